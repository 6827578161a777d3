// A Thrift server or client in C++; the words of the command line are those of peer.py.
#include <thrift/concurrency/ThreadFactory.h>
#include <thrift/concurrency/ThreadManager.h>
#include <thrift/processor/TMultiplexedProcessor.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/protocol/TMultiplexedProtocol.h>
#include <thrift/server/TNonblockingServer.h>
#include <thrift/server/TSimpleServer.h>
#include <thrift/server/TThreadPoolServer.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TNonblockingServerSocket.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "Demo.h"

namespace {

using namespace apache::thrift;
using std::make_shared;
using std::shared_ptr;
using std::string;
using Words = std::vector<string>;

constexpr int kPoolThreads = 4;

string ToHex(const string& data) {
  static const char* digits = "0123456789abcdef";
  string text;
  for (const unsigned char byte : data) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text.empty() ? "." : text;
}

string FromHex(const string& word) {
  string data;
  for (size_t i = 0; word != "." && i < word.size(); i += 2) {
    data += static_cast<char>(std::stoi(word.substr(i, 2), nullptr, 16));
  }
  return data;
}

// Answers depend on the arguments and the server's name alone.
class Handler : public DemoIf {
 public:
  Handler(string name, const string& log) : name_(std::move(name)), log_(log, std::ios::app) {}

  void sayHello(string& answer, const string& name) override {
    Record("sayHello", ToHex(name));
    answer = "Hello " + name + ", response from " + name_;
  }
  void echoBytes(string& answer, const string& bytes) override {
    Record("echoBytes", ToHex(bytes));
    answer = bytes;
  }
  int64_t add(const int32_t left, const int64_t right) override {
    Record("add", left, right);
    return left + right;
  }
  void reprice(Order& answer, const Order& order, const int64_t cents) override {
    string tags;
    for (const string& tag : order.tags) {
      tags += (tags.empty() ? "" : " ") + ToHex(tag);
    }
    Record("reprice", ToHex(order.id), order.quantity, order.cents, static_cast<int64_t>(order.weight), order.urgent,
           ToHex(order.seal), cents, tags);
    answer = order;
    answer.cents = cents;
  }
  void refuse(const string& why) override {
    Record("refuse", ToHex(why));
    Refused refused;
    refused.why = why;
    throw refused;
  }
  void fire(const string& event) override { Record("fire", ToHex(event)); }

 private:
  template <typename... Parts>
  void Record(const char* method, const Parts&... parts) {
    const std::lock_guard lock(mutex_);
    log_ << method;
    ((log_ << ' ' << parts), ...);
    log_ << std::endl;
  }

  string name_;
  std::mutex mutex_;
  std::ofstream log_;
};

shared_ptr<protocol::TProtocolFactory> Protocols(const string& transport, const string& name) {
  if (transport == "header") {
    return make_shared<protocol::THeaderProtocolFactory>();
  }
  if (name == "compact") {
    return make_shared<protocol::TCompactProtocolFactory>();
  }
  return make_shared<protocol::TBinaryProtocolFactory>();
}

shared_ptr<transport::TTransportFactory> Transports(const string& name) {
  if (name == "framed") {
    return make_shared<transport::TFramedTransportFactory>();
  }
  if (name == "buffered") {
    return make_shared<transport::TBufferedTransportFactory>();
  }
  return make_shared<transport::TTransportFactory>();  // THeader wraps the socket itself
}

shared_ptr<server::TServer> MakeServer(const Words& words, const shared_ptr<TProcessor>& processor) {
  const string &host = words[0], &kind = words[2], &transport = words[3], &protocol = words[4];
  const int port = std::stoi(words[1]);
  if (kind == "nonblocking") {
    return make_shared<server::TNonblockingServer>(processor, Protocols(transport, protocol),
                                                   make_shared<transport::TNonblockingServerSocket>(host, port));
  }
  const auto socket = make_shared<transport::TServerSocket>(host, port);
  if (kind == "simple") {
    return make_shared<server::TSimpleServer>(processor, socket, Transports(transport), Protocols(transport, protocol));
  }
  if (kind == "threaded") {
    return make_shared<server::TThreadedServer>(processor, socket, Transports(transport),
                                                Protocols(transport, protocol));
  }
  const auto threads = concurrency::ThreadManager::newSimpleThreadManager(kPoolThreads);
  threads->threadFactory(make_shared<concurrency::ThreadFactory>());
  threads->start();
  return make_shared<server::TThreadPoolServer>(processor, socket, Transports(transport),
                                                Protocols(transport, protocol), threads);
}

// HOST PORT SERVER TRANSPORT PROTOCOL SERVICE NAME LOG
void Serve(const Words& words) {
  shared_ptr<TProcessor> processor = make_shared<DemoProcessor>(make_shared<Handler>(words[6], words[7]));
  if (words[5] != "-") {
    const auto multiplexed = make_shared<TMultiplexedProcessor>();
    multiplexed->registerProcessor(words[5], processor);
    processor = multiplexed;
  }
  MakeServer(words, processor)->serve();
}

string Reprice(DemoClient& client, const Words& words) {
  Order order;
  order.id = FromHex(words[1]);
  order.quantity = std::stoi(words[2]);
  order.cents = std::stoll(words[3]);
  order.weight = std::stod(words[4]);
  order.urgent = words[5] == "1";
  order.seal = FromHex(words[6]);
  for (size_t i = 8; i < words.size(); ++i) {
    order.tags.push_back(FromHex(words[i]));
  }
  Order answer;
  client.reprice(answer, order, std::stoll(words[7]));
  return ToHex(answer.id) + " " + std::to_string(answer.cents) + " " + ToHex(answer.seal) + " " +
         std::to_string(answer.tags.size());
}

string Answer(DemoClient& client, const Words& words) {
  const string& method = words[0];
  string answer;
  if (method == "sayHello") {
    client.sayHello(answer, FromHex(words[1]));
    return ToHex(answer);
  }
  if (method == "echoBytes") {
    client.echoBytes(answer, FromHex(words[1]));
    return ToHex(answer);
  }
  if (method == "add") {
    return std::to_string(client.add(std::stoi(words[1]), std::stoll(words[2])));
  }
  if (method == "fire") {
    client.fire(FromHex(words[1]));
    return "-";
  }
  if (method == "reprice") {
    return Reprice(client, words);
  }
  try {
    client.refuse(FromHex(words[1]));
    return "not refused";
  } catch (const Refused& refused) {
    return "refused " + ToHex(refused.why);
  }
}

shared_ptr<protocol::TProtocol> Wire(const shared_ptr<transport::TTransport>& channel, const Words& words) {
  shared_ptr<protocol::TProtocol> wire;
  if (words[2] == "header") {
    const auto id = words[3] == "compact" ? protocol::T_COMPACT_PROTOCOL : protocol::T_BINARY_PROTOCOL;
    wire = make_shared<protocol::THeaderProtocol>(channel, static_cast<uint16_t>(id));
  } else {
    wire = Protocols(words[2], words[3])->getProtocol(channel);
  }
  return words[4] == "-" ? wire : make_shared<protocol::TMultiplexedProtocol>(wire, words[4]);
}

// Every `step`-th call from `first` on, over one connection.
void Converse(const Words& words, const std::vector<Words>& calls, size_t first, size_t step, Words& answers) {
  const auto channel =
      Transports(words[2])->getTransport(make_shared<transport::TSocket>(words[0], std::stoi(words[1])));
  DemoClient client(Wire(channel, words));
  channel->open();
  for (size_t i = first; i < calls.size(); i += step) {
    answers[i] = Answer(client, calls[i]);
  }
  channel->close();
}

// HOST PORT TRANSPORT PROTOCOL SERVICE CONNECTIONS CALLS ANSWERS
void Call(const Words& words) {
  std::vector<Words> calls;
  std::ifstream file(words[6]);
  for (string line; std::getline(file, line);) {
    std::istringstream text(line);
    calls.emplace_back(std::istream_iterator<string>(text), std::istream_iterator<string>());
  }
  Words answers(calls.size(), "FAILED");
  const size_t connections = std::stoul(words[5]);
  std::vector<std::thread> threads;
  for (size_t first = 0; first < connections; ++first) {
    threads.emplace_back([&, first] { Converse(words, calls, first, connections, answers); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::ofstream out(words[7]);
  for (const string& answer : answers) {
    out << answer << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Words words(argv + 1, argv + argc);
  if (words.size() != 9) {
    std::cerr << "see peer.py for the command line\n";
    return 2;
  }
  const Words rest(words.begin() + 1, words.end());
  words[0] == "server" ? Serve(rest) : Call(rest);
  return 0;
}
