// What every codec must pass, whatever its protocol: the same frames whole, cut anywhere, cut short, and noise.
//
// Inputs are read-only and end at a guard page, so a codec that writes into its input or reads past its end dies here.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "protocol/codec.h"
#include "support/guard_page.h"

namespace rpctee::test {

using Frame = std::vector<uint8_t>;

struct Codec {
  protocol::FrameHeader (*parse)(Bytes);
  size_t header_bytes;
  // False: how long a header is stands in it, so that a changed one may ask for more than header_bytes.
  bool has_fixed_header = true;
};

inline void ExpectSameHeader(const protocol::FrameHeader& got, const protocol::FrameHeader& want) {
  EXPECT_EQ(got.status, want.status);
  EXPECT_EQ(got.frame_bytes, want.frame_bytes);
  EXPECT_EQ(got.kind, want.kind);
  EXPECT_EQ(got.id, want.id);
  EXPECT_EQ(got.serialization, want.serialization);
  EXPECT_EQ(got.reply_status, want.reply_status);
}

inline void ExpectWholeFrame(const Codec& codec, const Frame& frame) {
  GuardPage guard(frame.size());
  const protocol::FrameHeader header = codec.parse(guard.Place(frame));
  ASSERT_EQ(header.status, protocol::FrameStatus::kFrame) << header.error;
  EXPECT_EQ(header.frame_bytes, frame.size());
}

// A frame cut short asks for more inside the header, and behind it says what the whole frame says.
inline void ExpectTruncationsAskForMore(const Codec& codec, const Frame& frame) {
  GuardPage guard(frame.size());
  const protocol::FrameHeader whole = codec.parse(frame);
  for (size_t bytes = 0; bytes < frame.size(); ++bytes) {
    SCOPED_TRACE("the first " + std::to_string(bytes) + " bytes");
    const protocol::FrameHeader header = codec.parse(guard.Place(Bytes(frame).first(bytes)));
    if (bytes < codec.header_bytes) {
      EXPECT_EQ(header.status, protocol::FrameStatus::kNeedMore);
    } else {
      ExpectSameHeader(header, whole);
    }
  }
}

// Takes whole frames off a stream that arrives in pieces.
class FrameCutter {
 public:
  explicit FrameCutter(const Codec& codec) : codec_(codec) {}

  void Feed(Bytes piece) {
    pending_.insert(pending_.end(), piece.begin(), piece.end());
    while (true) {
      const protocol::FrameHeader header = codec_.parse(pending_);
      malformed_ = malformed_ || header.status == protocol::FrameStatus::kMalformed;
      if (header.status != protocol::FrameStatus::kFrame || header.frame_bytes > pending_.size()) {
        return;
      }
      const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(header.frame_bytes);
      frames_.emplace_back(pending_.begin(), end);
      pending_.erase(pending_.begin(), end);
    }
  }
  const std::vector<Frame>& frames() const { return frames_; }
  bool malformed() const { return malformed_; }

 private:
  Codec codec_;
  Frame pending_;
  std::vector<Frame> frames_;
  bool malformed_ = false;
};

inline void ExpectEverySplitGivesTheSameFrames(const Codec& codec, const std::vector<Frame>& frames) {
  Frame stream;
  for (const Frame& frame : frames) {
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameCutter cutter(codec);
    cutter.Feed(Bytes(stream).first(cut));
    cutter.Feed(Bytes(stream).subspan(cut));
    ASSERT_EQ(cutter.frames(), frames) << "cut at " << cut;
    ASSERT_FALSE(cutter.malformed()) << "cut at " << cut;
  }
  FrameCutter byte_by_byte(codec);
  for (const uint8_t& byte : stream) {
    byte_by_byte.Feed({&byte, 1});
  }
  EXPECT_EQ(byte_by_byte.frames(), frames);
  EXPECT_FALSE(byte_by_byte.malformed());
}

// Noise, and `seed_frame` with a few bytes changed: more bytes never turn "malformed" or "frame" into something else.
inline void ExpectNoiseIsOrdinaryInput(const Codec& codec, const Frame& seed_frame, size_t rounds) {
  std::mt19937 random(20880);
  GuardPage guard(seed_frame.size());
  for (size_t round = 0; round < rounds; ++round) {
    Frame input = seed_frame;
    const size_t changes = round % 2 == 0 ? input.size() : 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i) {
      input[changes == input.size() ? i : random() % input.size()] = static_cast<uint8_t>(random());
    }
    auto settled = protocol::FrameStatus::kNeedMore;
    for (size_t bytes = 0; bytes <= std::min(input.size(), codec.header_bytes + 1); ++bytes) {
      const protocol::FrameHeader header = codec.parse(guard.Place(Bytes(input).first(bytes)));
      if (settled != protocol::FrameStatus::kNeedMore) {
        ASSERT_EQ(header.status, settled) << "round " << round << ", the first " << bytes << " bytes";
      }
      settled = header.status;
      ASSERT_EQ(header.error.empty(), settled != protocol::FrameStatus::kMalformed);
    }
    ASSERT_TRUE(settled != protocol::FrameStatus::kNeedMore || !codec.has_fixed_header);
  }
}

using MakeView = std::function<std::unique_ptr<protocol::RequestView>(Bytes)>;
// Field name to value; no value: absent.
using Fields = std::map<std::string, std::optional<std::string>>;

inline void ExpectFields(protocol::RequestView& view, const Fields& fields) {
  using Status = protocol::FieldValue::Status;
  for (const auto& [name, want] : fields) {
    SCOPED_TRACE(name);
    const protocol::FieldValue got = view.Field(name);
    EXPECT_EQ(got.status, want ? Status::kPresent : Status::kAbsent);
    EXPECT_EQ(got.value, want.value_or(""));
  }
}

// A request cut short answers a field as the whole request does, or says that it can't; it never answers otherwise.
inline void ExpectTruncatedRequestNeverLies(const MakeView& make_view, const Frame& frame, const Fields& fields) {
  using Status = protocol::FieldValue::Status;
  GuardPage guard(frame.size());
  for (size_t bytes = 0; bytes <= frame.size(); ++bytes) {
    const auto view = make_view(guard.Place(Bytes(frame).first(bytes)));
    for (const auto& [name, want] : fields) {
      const protocol::FieldValue got = view->Field(name);
      if (bytes < frame.size() && got.status == Status::kUndecodable) {
        continue;
      }
      ASSERT_EQ(got.status, want ? Status::kPresent : Status::kAbsent) << name << ", the first " << bytes << " bytes";
      ASSERT_EQ(got.value, want.value_or("")) << name << ", the first " << bytes << " bytes";
    }
  }
}

// Changed bytes may change the answers; the same question must get the same answer twice, and nothing may be read or
// written outside the frame.
inline void ExpectChangedRequestIsOrdinaryInput(const MakeView& make_view, const Frame& frame, const Fields& fields,
                                                size_t first_changed, size_t rounds) {
  std::mt19937 random(20880);
  GuardPage guard(frame.size());
  for (size_t round = 0; round < rounds; ++round) {
    Frame input = frame;
    for (size_t i = 0; i < 1 + round % 4; ++i) {
      input[first_changed + random() % (input.size() - first_changed)] = static_cast<uint8_t>(random());
    }
    const auto view = make_view(guard.Place(input));
    for (const auto& [name, unused] : fields) {
      const protocol::FieldValue once = view->Field(name);
      const protocol::FieldValue twice = view->Field(name);
      ASSERT_EQ(once.status, twice.status) << name << ", round " << round;
      ASSERT_EQ(once.value, twice.value) << name << ", round " << round;
    }
  }
}

}  // namespace rpctee::test
