// The result type of everything that can fail: a value, or one sentence that says what failed, on what.
//
// Any thread. An error gets context once for each layer (WithContext); only `agent` and `cli` decide to log or stop.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace rpctee {

struct Error {
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> Fail(std::string message) { return tl::unexpected<Error>(Error{std::move(message)}); }

// Puts "context: " before the message.
inline tl::unexpected<Error> WithContext(std::string_view context, const Error& error) {
  return Fail(std::string(context) + ": " + error.message);
}

// "what: strerror(errno_value)".
tl::unexpected<Error> FailErrno(std::string_view what, int errno_value);

}  // namespace rpctee
