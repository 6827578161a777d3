// Owner of one libbpf skeleton: opened, perhaps loaded, destroyed with its owner. One thread at a time.
//
// T is a struct from a generated *.skel.h, which carries open, load and destroy as static functions in C++.
#pragma once

#include <memory>

namespace rpctee::tap {

template <typename T>
class BpfSkeleton {
 public:
  // Empty, with errno set, when it can't be opened.
  static BpfSkeleton Open() { return BpfSkeleton(T::open()); }

  // 0, or a negative errno.
  int Load() { return T::load(skeleton_.get()); }

  explicit operator bool() const { return skeleton_ != nullptr; }
  T* operator->() const { return skeleton_.get(); }

 private:
  struct Destroy {
    void operator()(T* skeleton) const { T::destroy(skeleton); }
  };

  explicit BpfSkeleton(T* skeleton) : skeleton_(skeleton) {}

  std::unique_ptr<T, Destroy> skeleton_;
};

}  // namespace rpctee::tap
