#include "route/method_filter.h"

#include <gtest/gtest.h>

#include "route/pattern.h"
#include "unit/route/fake_request.h"

namespace rpctee::route {
namespace {

bool Allows(const CopyPolicy& policy, const std::string& interface_name, const std::string& method) {
  FakeRequest request(std::map<std::string, std::string>{{"interface", interface_name}, {"method", method}});
  return MethodFilter(policy).Allows(request);
}

TEST(Pattern, AStarIsAnyTextAndAQuestionMarkOneCharacter) {
  EXPECT_TRUE(MatchesPattern("", ""));
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("get*", "get"));
  EXPECT_TRUE(MatchesPattern("*a*b", "xaxxbab"));
  EXPECT_TRUE(MatchesPattern("?b**", "ab"));
  EXPECT_FALSE(MatchesPattern("get?", "get"));
  EXPECT_FALSE(MatchesPattern("get", "getx"));
  EXPECT_FALSE(MatchesPattern("*a", "ab"));
  EXPECT_FALSE(MatchesPattern("Get", "get"));
}

TEST(MethodFilter, WithoutListsEverythingIsAllowedAndNothingLookedAt) {
  FakeRequest request;
  EXPECT_TRUE(MethodFilter().Allows(request));
  EXPECT_EQ(request.lookups("method"), 0);
}

TEST(MethodFilter, WhatIsDeniedIsNeverAllowed) {
  const CopyPolicy policy{
      .allow_methods = {"get*"}, .deny_methods = {"getSecret", "org.Vault.*"}, .allow_by_default = false};
  EXPECT_TRUE(Allows(policy, "org.Demo", "getUser"));
  EXPECT_FALSE(Allows(policy, "org.Demo", "getSecret"));
  EXPECT_FALSE(Allows(policy, "org.Vault", "getUser"));
  EXPECT_FALSE(Allows(policy, "org.Demo", "setUser"));
}

TEST(MethodFilter, ByDefaultAllIsAllowedThatIsNotDenied) {
  const CopyPolicy policy{.deny_methods = {"*.*Service.delete*"}};
  EXPECT_TRUE(Allows(policy, "org.UserService", "get"));
  EXPECT_FALSE(Allows(policy, "org.UserService", "deleteAll"));
  EXPECT_TRUE(Allows(policy, "org.UserStore", "deleteAll"));
}

TEST(MethodFilter, WhatIsAllowedMayBeNamedWithItsInterface) {
  const CopyPolicy policy{.allow_methods = {"org.Demo.get*"}, .allow_by_default = false};
  EXPECT_TRUE(Allows(policy, "org.Demo", "getUser"));
  EXPECT_FALSE(Allows(policy, "org.Vault", "getUser"));
}

TEST(MethodFilter, ARequestWithoutAnInterfaceFitsNoPatternThatNamesOne) {
  const CopyPolicy policy{.deny_methods = {"org.Demo.get", "*.delete"}};
  FakeRequest get(std::map<std::string, std::string>{{"method", "get"}});
  EXPECT_TRUE(MethodFilter(policy).Allows(get));
  FakeRequest remove(std::map<std::string, std::string>{{"method", "delete"}});
  EXPECT_FALSE(MethodFilter(policy).Allows(remove)) << "any interface, none too";
}

TEST(MethodFilter, AMethodThatIsMissingIsNotAllowedWhereThereIsAList) {
  FakeRequest missing(std::map<std::string, std::string>{{"interface", "org.Demo"}});
  EXPECT_FALSE(MethodFilter(CopyPolicy{.deny_methods = {"delete"}}).Allows(missing));
}

TEST(MethodFilter, AMethodThatCannotBeReadIsNotAllowedWhereThereIsAList) {
  FakeRequest unreadable =
      FakeRequest(std::map<std::string, std::string>{{"interface", "org.Demo"}}).Undecodable("method");
  EXPECT_FALSE(MethodFilter(CopyPolicy{.deny_methods = {"delete"}}).Allows(unreadable));
  EXPECT_FALSE(MethodFilter(CopyPolicy{.allow_by_default = false}).Allows(unreadable));
  FakeRequest no_interface =
      FakeRequest(std::map<std::string, std::string>{{"method", "get"}}).Undecodable("interface");
  EXPECT_FALSE(MethodFilter(CopyPolicy{.deny_methods = {"org.Demo.delete"}}).Allows(no_interface));
  EXPECT_TRUE(MethodFilter(CopyPolicy{.deny_methods = {"delete"}}).Allows(no_interface));
}

}  // namespace
}  // namespace rpctee::route
