// What a client speaks, by the bytes that it sends: the test of bpf/abi/recognise.h, which the tap program uses too.
//
// Any thread; owns nothing. Looks at the first kRecogniseBytes of what it is given, and takes any number.
#pragma once

#include "base/byte_reader.h"
#include "base/capture.h"

namespace rpctee::protocol {

inline constexpr size_t kRecogniseBytes = 32;
// With so many bytes, a start is a request or it is none, and Recognise always knows an answer.
inline constexpr size_t kStrictBytes = 20;

// What a connection carries that begins with these bytes; kUnknown when they are too few to say.
Content Recognise(Bytes first);

// For bytes from the middle of a connection: the protocol of the request that starts here, by the strict test;
// kUnknown when none does. Fewer than kStrictBytes pass as far as they go.
Content RequestAt(Bytes at);
// The same for one protocol.
bool StartsRequest(Content protocol, Bytes at);

// Can a frame of any kind begin so that a client sends behind a request: in Dubbo also an answer or an event, of which
// only the header is looked at. `at` has kStrictBytes, or is the connection's end.
bool StartsFrame(Content protocol, Bytes at);

}  // namespace rpctee::protocol
