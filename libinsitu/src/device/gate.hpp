#pragma once

#include <condition_variable>
#include <mutex>

namespace insitu {

// Many may be inside, or one may have it closed. Who waits to close it goes first: a stream of
// visitors cannot keep it open (std::shared_mutex gives no such promise).
class Gate {
  public:
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !closed_; });
        ++inside_;
    }
    void leave() {
        const std::lock_guard lock(mutex_);
        if (--inside_ == 0 && closed_) changed_.notify_all();
    }
    // One closer at a time.
    void close() {
        std::unique_lock lock(mutex_);
        closed_ = true;
        changed_.wait(lock, [&] { return inside_ == 0; });
    }
    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = false;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned inside_ = 0;
    bool closed_ = false;
};

class InsideGate {
  public:
    explicit InsideGate(Gate& gate) : gate_(gate) { gate_.enter(); }
    ~InsideGate() { gate_.leave(); }
    InsideGate(const InsideGate&) = delete;
    InsideGate& operator=(const InsideGate&) = delete;

  private:
    Gate& gate_;
};

class ClosedGate {
  public:
    explicit ClosedGate(Gate& gate) : gate_(gate) { gate_.close(); }
    ~ClosedGate() { gate_.open(); }
    ClosedGate(const ClosedGate&) = delete;
    ClosedGate& operator=(const ClosedGate&) = delete;

  private:
    Gate& gate_;
};

}  // namespace insitu
