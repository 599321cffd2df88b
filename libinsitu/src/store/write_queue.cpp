#include "insitu/store/write_queue.hpp"

namespace insitu {

WriteQueue::~WriteQueue() = default;

}  // namespace insitu
