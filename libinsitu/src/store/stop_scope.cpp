// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/stop_scope.hpp"

#include <utility>

namespace insitu {

namespace {

thread_local const StopScope* innermost = nullptr;

}  // namespace

StopScope::StopScope(Stopped stopped)
    : stopped_(std::move(stopped)), outer_(std::exchange(innermost, this)) {}

StopScope::~StopScope() {
    innermost = outer_;
}

StopScope::Stopped StopScope::current() {
    if (innermost == nullptr) return [] { return false; };
    return innermost->stopped_;
}

}  // namespace insitu
