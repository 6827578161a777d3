// Copies of Thrift calls in every form, and their answers: by id where the form shows it, else by order.
#include <set>

#include "mirror/copy_head.h"
#include "mirror_fixture.h"
#include "support/thrift_frames.h"
#include "unit/protocol/thrift_bytes.h"

namespace rpctee::mirror {
namespace {

using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;
using test::ThriftBytes;

constexpr size_t kArgumentBytes = 300;

// One way to put calls of "say" onto a wire, and where their ids stand then.
struct Form {
  std::string name;
  Content protocol;
  bool compact;
  size_t id_at;
  std::function<ByteVector(uint32_t id, const ByteVector& message)> wrap;

  ByteVector Call(uint32_t id, uint8_t type = 1) const {
    ThriftBytes call(compact);
    call.Header("say", type, id).Field(test::ThriftType::kString, 1, 0).Text(std::string(kArgumentBytes, 'a')).Stop();
    return wrap(id, call.bytes());
  }
  ByteVector Answer(uint32_t id) const { return wrap(id, ThriftBytes(compact).Header("say", 2, id).Stop().bytes()); }
  size_t IdBytes(Bytes frame) const {
    size_t bytes = 1;
    while (compact && id_at + bytes < frame.size() && (frame[id_at + bytes - 1] & 0x80) != 0) {
      ++bytes;
    }
    return compact ? bytes : 4;
  }
  uint32_t Id(Bytes frame) const {
    uint32_t id = 0;
    for (size_t i = 0; i < IdBytes(frame); ++i) {
      id = compact ? id | (frame[id_at + i] & 0x7fU) << (7 * i) : id << 8 | frame[id_at + i];
    }
    return id;
  }
  // How long the call is that begins here, 0 = not all of it is there.
  size_t Measure(Bytes bytes) const {
    if (protocol == Content::kThriftFramed) {
      ByteReader reader(bytes);
      return bytes.size() < 4 ? 0 : 4 + size_t{reader.Be32()};
    }
    return bytes.size() < id_at + 5 ? 0 : Call(Id(bytes)).size();
  }
  bool has_transport_header() const { return name.starts_with("THeader"); }
};

std::vector<Form> Forms() {
  const auto bare = [](uint32_t, const ByteVector& message) { return message; };
  const auto framed = [](uint32_t, const ByteVector& message) { return test::ThriftFrame(message); };
  const auto headed = [](std::vector<uint8_t> part) {
    return [part](uint32_t id, const ByteVector& message) { return ThriftBytes().Append(message).InHeader(part, id); };
  };
  return {{"framed binary", Content::kThriftFramed, false, 15, framed},
          {"framed compact", Content::kThriftFramed, true, 6, framed},
          {"THeader binary", Content::kThriftFramed, false, 18 + 11, headed({0, 0})},
          {"THeader compact", Content::kThriftFramed, true, 18 + 2, headed({2, 0})},
          {"unframed binary", Content::kThriftUnframed, false, 11, bare},
          {"unframed compact", Content::kThriftUnframed, true, 2, bare}};
}

class MirrorThrift : public MirrorTest {
 protected:
  void SendPieces(Content protocol, const std::vector<Bytes>& pieces, bool oneway = false, uint32_t rule = 0) {
    Copy copy;
    copy.protocol = protocol;
    copy.pieces = pieces;
    copy.oneway = oneway;
    copy.rule = rule;
    ++sends;
    mirror->Send(copy, Clock::now());
    ASSERT_EQ(mirror->in_flight(), sends - books.Ended());
  }
  void SendCall(const Form& form, uint32_t id, uint32_t rule = 0) {
    const ByteVector call = form.Call(id);
    SendPieces(form.protocol, {call}, false, rule);
  }
  static void Speak(ScriptedServer& server, const Form& form) {
    server.SetMeasure([form](Bytes bytes) { return form.Measure(bytes); });
    server.Script([form](ScriptedServer& self, Peer& peer, const Message& message) {
      self.Write(peer, form.Answer(form.Id(message.frame)));
    });
  }
};

TEST_F(MirrorThrift, CallsOfEveryFormArriveWithIdsOfTheirOwnAndAreAnswered) {
  for (const Form& form : Forms()) {
    SCOPED_TRACE(form.name);
    ScriptedServer server(loop);
    Speak(server, form);
    Start({server.address()});
    const uint64_t before = Count(CopyOutcome::answered_ok);
    for (int i = 0; i < 200; ++i) {
      SendCall(form, 0);
      if (i % 20 == 0) {
        Round();
      }
    }
    ASSERT_TRUE(RunUntilAllEnded());
    EXPECT_EQ(Count(CopyOutcome::answered_ok) - before, 200U);
    EXPECT_EQ(server.accepted(), 1U);
    std::set<uint32_t> ids;
    for (const Message& message : server.log()) {
      const uint32_t id = form.Id(message.frame);
      EXPECT_EQ(message.frame, form.Call(id)) << "but for the id, with THeader in both places, nothing is changed";
      EXPECT_LE(id, 0x7fffffffU);
      ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 200U);
    EXPECT_FALSE(ids.contains(0));
    mirror->Stop();
  }
}

TEST_F(MirrorThrift, AnswersInReverseOrderAreMatchedById) {
  const Form form = Forms()[1];
  ScriptedServer server(loop);
  Speak(server, form);
  std::vector<uint32_t> ids;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    ids.push_back(form.Id(message.frame));
    for (size_t i = ids.size(); ids.size() == 10 && i-- > 0;) {
      const ByteVector thrown = ThriftBytes(true).Header("say", 3, ids[i]).Stop().bytes();
      self.Write(peer, i == 3 ? test::ThriftFrame(thrown) : form.Answer(ids[i]));
    }
  });
  Start({server.address()});
  for (uint32_t rule = 0; rule < 10; ++rule) {
    SendCall(form, 7, rule);
  }
  ASSERT_TRUE(RunUntilAllEnded());
  for (uint32_t rule = 0; rule < 10; ++rule) {
    EXPECT_EQ(books.last_end[rule], rule == 3 ? CopyOutcome::answered_error : CopyOutcome::answered_ok);
  }
  EXPECT_EQ(mirror->Counts().at(0).errors.at("TApplicationException"), 1U);
}

TEST_F(MirrorThrift, EachFormHasConnectionsOfItsOwn) {
  const std::vector<Form> forms = Forms();
  ScriptedServer server(loop);
  server.SetMeasure([](Bytes bytes) { return bytes.size(); });
  server.ScriptNothing();
  Start({server.address()});
  for (const Form& form : forms) {
    SendCall(form, 1);
    SendCall(form, 2);
  }
  SendMany(2);
  ASSERT_TRUE(RunUntil([&] { return server.accepted() == forms.size() + 1 && books.sent == 2 * forms.size() + 2; }));
}

TEST_F(MirrorThrift, AMirrorThatSpeaksOneFormOnlyStillGetsThatOne) {
  const Form good = Forms()[0];
  const Form bad = Forms()[1];
  options.reconnect_min = seconds(5);
  options.reconnect_max = seconds(5);
  ScriptedServer server(loop);
  Speak(server, good);
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    message.frame[4] == 0x80 ? self.Write(peer, good.Answer(good.Id(message.frame))) : self.Drop(peer);
  });
  Start({server.address()});
  SendCall(good, 1, 1);
  ASSERT_TRUE(RunUntilAllEnded());
  SendCall(bad, 1, 2);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[2], CopyOutcome::connection_lost);
  SendCall(bad, 1, 2);
  EXPECT_EQ(books.last_end[2], CopyOutcome::no_endpoint);
  SendCall(good, 1, 3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[3], CopyOutcome::answered_ok);
}

TEST_F(MirrorThrift, ACallCutIntoPiecesAnywhereIsStillOneCall) {
  for (const Form& form : Forms()) {
    SCOPED_TRACE(form.name);
    ScriptedServer server(loop);
    Speak(server, form);
    Start({server.address()});
    const ByteVector call = form.Call(1);
    for (size_t cut = 0; cut < 50; ++cut) {
      SendPieces(form.protocol, {Bytes(call).first(cut), Bytes(call).subspan(cut, 2), Bytes(call).subspan(cut + 2)});
    }
    ASSERT_TRUE(RunUntilAllEnded());
    ASSERT_EQ(server.log().size(), 50U);
    for (const Message& message : server.log()) {
      EXPECT_EQ(message.frame, form.Call(form.Id(message.frame)));
    }
    mirror->Stop();
  }
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 50 * Forms().size());
}

TEST_F(MirrorThrift, AnAnswerWithADeclaredExceptionHasANameOfItsOwn) {
  const Form form = Forms()[0];
  ScriptedServer server(loop);
  Speak(server, form);
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    ThriftBytes thrown;
    thrown.Header("say", 2, form.Id(message.frame)).Field(test::ThriftType::kStruct, 1, 0).Stop().Stop();
    self.Write(peer, test::ThriftFrame(thrown.bytes()));
  });
  Start({server.address()});
  SendCall(form, 1, 5);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[5], CopyOutcome::answered_exception);
}

TEST_F(MirrorThrift, AOnewayCallEndsWhenItIsSent) {
  const Form form = Forms()[0];
  ScriptedServer server(loop);
  Speak(server, form);
  server.ScriptNothing();
  Start({server.address()});
  const ByteVector call = form.Call(1, 4);
  SendPieces(form.protocol, {call}, true, 3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[3], CopyOutcome::oneway_sent);
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 1; }));
}

TEST_F(MirrorThrift, WhatIsNotOneWholeCallIsNeverSent) {
  ScriptedServer server(loop);
  Start({server.address()});
  const Form form = Forms()[0];
  ByteVector cut = form.Call(1);
  cut.pop_back();
  const std::vector<ByteVector> frames = {{}, {0, 0}, cut, form.Answer(1), ByteVector(20), Request(1)};
  for (const ByteVector& frame : frames) {
    SendPieces(Content::kThriftFramed, {frame});
  }
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), frames.size());
  EXPECT_EQ(Counted(MirrorCounter::frames_refused), frames.size());
}

TEST_F(MirrorThrift, GarbageClosesTheConnection) {
  for (const Form& form : {Forms()[0], Forms()[3], Forms()[5]}) {
    ScriptedServer server(loop);
    Speak(server, form);
    server.Script([](ScriptedServer& self, Peer& peer, const Message&) {
      self.Write(peer, ByteVector{'H', 'T', 'T', 'P', '/', '1', '.', '1'});
    });
    Start({server.address()});
    SendCall(form, 1, 9);
    ASSERT_TRUE(RunUntilAllEnded());
    EXPECT_EQ(books.last_end[9], CopyOutcome::connection_lost);
    EXPECT_EQ(Counted(MirrorCounter::cx_protocol_error), 1U);
    mirror->Stop();
  }
}

// A THeader with a transform that nobody here can undo: kept as it is, and matched by order.
class MirrorOrdered : public MirrorThrift {
 protected:
  static ByteVector Hidden(uint8_t mark, size_t bytes = 50) {
    return ThriftBytes().Byte(mark, bytes).InHeader({0, 1, 3, 0}, mark);
  }
  void SendHidden(uint8_t mark) {
    const ByteVector call = Hidden(mark);
    SendPieces(Content::kThriftFramed, {call}, false, mark);
  }
  // Answers are told apart by what they say: a server's exception for `failing`.
  static ByteVector AnswerTo(uint8_t mark, uint8_t failing) {
    return ThriftBytes().Header("say", mark == failing ? 3 : 2, 99).Stop().Framed();
  }
  static size_t Measure(Bytes bytes) {
    ByteReader reader(bytes);
    return bytes.size() < 4 ? 0 : 4 + size_t{reader.Be32()};
  }
};

TEST_F(MirrorOrdered, HiddenCallsArriveUnchangedAndAreAnsweredInTheirOrder) {
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, AnswerTo(message.frame.back(), 5));
  });
  Start({server.address()});
  for (uint8_t mark = 1; mark <= 10; ++mark) {
    SendHidden(mark);
  }
  ASSERT_TRUE(RunUntilAllEnded());
  for (uint8_t mark = 1; mark <= 10; ++mark) {
    EXPECT_EQ(server.log().at(mark - 1U).frame, Hidden(mark));
    EXPECT_EQ(books.last_end[mark], mark == 5 ? CopyOutcome::answered_error : CopyOutcome::answered_ok);
  }
}

TEST_F(MirrorOrdered, NoMoreAreUnderWayThanMaxPipelined) {
  options.max_pipelined = 3;
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.ScriptNothing();
  Start({server.address()});
  for (uint8_t mark = 1; mark <= 5; ++mark) {
    SendHidden(mark);
  }
  EXPECT_EQ(Count(CopyOutcome::queue_full), 2U);
  EXPECT_EQ(mirror->in_flight(), 3U);
}

TEST_F(MirrorOrdered, ACopyThatTimedOutKeepsItsPlaceInTheOrder) {
  options.reply_timeout = milliseconds(60);
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.ScriptNothing();
  Start({server.address()});
  SendHidden(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[1], CopyOutcome::timed_out);
  SendHidden(2);
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 2; }));
  server.WriteAll(AnswerTo(1, 0));
  ASSERT_TRUE(RunUntil([&] { return Counted(MirrorCounter::replies_ignored) == 1; }));
  EXPECT_EQ(books.ends_by_rule[2], 0U) << "the late answer was the first one's";
  server.WriteAll(AnswerTo(2, 2));
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[2], CopyOutcome::answered_error);
}

// That a hidden call is one-way is known where it could be unpacked.
TEST_F(MirrorOrdered, AOnewayCallThatTimesOutWhileItLeavesHasNoPlaceInTheOrder) {
  options.reply_timeout = milliseconds(300);
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    if (message.frame.back() == 2) {
      self.Write(peer, AnswerTo(2, 0));
    }
  });
  server.SetReceiveBuffer(64 << 10);
  server.SetReading(false);
  Start({server.address()});
  const ByteVector oneway = Hidden(1, 6 << 20);
  SendPieces(Content::kThriftFramed, {oneway}, true, 1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[1], CopyOutcome::timed_out);
  EXPECT_GT(mirror->buffered_bytes(), 0U) << "it had begun to leave";
  server.SetReading(true);
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 1; }));
  SendHidden(2);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[2], CopyOutcome::answered_ok);
  EXPECT_EQ(Counted(MirrorCounter::replies_ignored), 0U);
}

TEST_F(MirrorOrdered, AMirrorThatAnswersNothingIsLeft) {
  options.reply_timeout = milliseconds(40);
  options.max_pipelined = 2;
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.ScriptNothing();
  Start({server.address()});
  SendHidden(1);
  SendHidden(2);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::timed_out), 2U);
  EXPECT_EQ(Counted(MirrorCounter::cx_order_lost), 1U);
  EXPECT_EQ(State(), "backing off");
}

TEST_F(MirrorOrdered, AnAnswerThatNobodyAskedForIsIgnored) {
  ScriptedServer server(loop);
  server.SetMeasure(Measure);
  server.Script([](ScriptedServer& self, Peer& peer, const Message&) {
    self.Write(peer, AnswerTo(1, 0));
    self.Write(peer, AnswerTo(1, 0));
  });
  Start({server.address()});
  SendHidden(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_TRUE(RunUntil([&] { return Counted(MirrorCounter::replies_ignored) == 1; }));
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
}

}  // namespace
}  // namespace rpctee::mirror
