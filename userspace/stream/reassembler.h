// Puts the bytes of a flow that lost its place in order again, frames them, and hands the flow back when nothing is
// missing: the agent's half of the STREAM state.
//
// One worker thread. Owns the bytes that wait behind a hole, within a fixed amount of memory and time. Requests that it
// frames go on as parts, the same way as those that the tap framed; each is drawn here. What can't be mended is given
// up: the tap then looks for the next request by itself.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "base/capture.h"
#include "base/clock.h"
#include "stream/assembler.h"

namespace rpctee::stream {

// How a request that was framed here is booked; the sampled ones go on to the assembler.
enum class StreamRequest : uint8_t { kSampled, kNotSampled, kTooBig };

class ReassemblerObserver {
 public:
  virtual ~ReassemblerObserver() = default;
  // A request to this endpoint is sampled when its draw is below.
  virtual uint64_t ThresholdOf(const SocketAddress& endpoint) = 0;
  virtual void OnStreamRequest(StreamRequest outcome) = 0;
  // Every byte is there, as long as the tap saw no more than these holes: it may frame again.
  virtual void OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) = 0;
  // What is missing will not come, or no boundary can be found: the tap looks for one by itself, or asks again.
  virtual void OnGivenUp(const Flow& flow, uint64_t flow_id) = 0;
  // The bytes so far were taken, of a flow that the tap can't frame; more may come.
  virtual void OnTaken(const Flow& flow, uint64_t flow_id) = 0;
  // Nothing of this connection can be mirrored: the tap may pass it over.
  virtual void OnIgnored(const Flow& flow, uint64_t flow_id, Content kind) = 0;
};

struct ReassemblerLimits {
  size_t max_bytes = size_t{16} << 20;  // of all that waits behind holes, bookkeeping included
  size_t max_flows = 4'096;
  Duration max_hole = std::chrono::milliseconds(500);  // without a byte that brings the flow forward
  Duration max_idle = std::chrono::seconds(60);        // mended, and the tap does not take it back
  uint32_t max_request_bytes = 16U << 20;
};

class Reassembler {
 public:
  Reassembler(Assembler& assembler, ReassemblerObserver& observer, ReassemblerLimits limits)
      : assembler_(assembler), observer_(observer), limits_(limits), random_(std::random_device{}()) {}

  void Take(const CapturedStream& record, TimePoint now);
  // Word from the tap about a flow outside STREAM: what is held of it is over.
  void OnPart(const CapturedPart& part);
  // Gives up what waited too long. Costs nothing when there are no flows.
  void Expire(TimePoint now);

  size_t flows() const { return streams_.size(); }
  size_t buffered_bytes() const { return buffered_bytes_; }

 private:
  // Where framing stands. Positions count from the first byte that was heard of, so that they do not wrap.
  struct Stream {
    Flow flow;
    uint64_t flow_id = 0;
    uint32_t origin = 0;  // sequence number of position 0
    bool active = false;  // false: bytes came before word of the hole, and wait for it
    int64_t next = 0;     // position of the first missing byte
    uint32_t holes = 0;
    std::optional<uint32_t> mended_holes;  // what OnMended told last
    TimePoint progress;
    uint64_t time_ns = 0;  // of the latest record
    uint32_t frame_bytes = 0;
    uint32_t frame_left = 0;
    bool copying = false;
    uint32_t draw = 0;
    uint32_t request = 0;
    size_t header_have = 0;
    std::array<uint8_t, 16> header{};
    std::map<int64_t, std::vector<uint8_t>> waiting;  // by position, no two overlap
    size_t charged_bytes = 0;
  };
  using StreamMap = std::unordered_map<uint64_t, Stream>;  // by flow id

  StreamMap::iterator FindOrAdd(const CapturedStream& record);
  void Begin(const CapturedStream& record);
  void TakeData(const CapturedStream& record);
  void End(const CapturedStream& record);

  // Keeps what is not there yet; false at the limit on memory.
  bool Keep(Stream& stream, int64_t position, Bytes bytes);
  bool KeepPiece(Stream& stream, int64_t position, Bytes bytes);
  // Frames what follows on; false when it is no stream of frames.
  bool Advance(Stream& stream);
  bool Consume(Stream& stream, Bytes bytes);
  size_t ConsumeHeader(Stream& stream, Bytes bytes);
  size_t ConsumeFrame(Stream& stream, Bytes bytes);
  bool BeginFrame(Stream& stream);
  void BeginRequest(Stream& stream);
  void SendPart(const Stream& stream, uint32_t offset, Bytes bytes);
  // Ends the open request of the flow, if there is one.
  void Cut(uint64_t flow_id, const Flow& flow, CutReason reason);

  void TellIfMended(Stream& stream);
  void GiveUp(StreamMap::iterator position);
  void Erase(StreamMap::iterator position);

  Assembler& assembler_;
  ReassemblerObserver& observer_;
  ReassemblerLimits limits_;
  std::mt19937 random_;
  StreamMap streams_;
  TimePoint now_{};  // the worker's time, as of the latest call
  size_t buffered_bytes_ = 0;
};

}  // namespace rpctee::stream
