// What a tap program may call: helpers, and the kernel functions that calls of them become.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rpctee::lint {

inline constexpr int32_t kTailCallHelper = 12;
inline constexpr int32_t kPullDataHelper = 39;
inline constexpr std::string_view kPullDataFunction = "bpf_skb_pull_data";

// `id` is enum bpf_func_id.
bool IsAllowedHelper(int32_t id);
// `names` are all the names of one function.
bool IsAllowedFunction(const std::vector<std::string>& names);

}  // namespace rpctee::lint
