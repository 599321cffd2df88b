#include "insitu/ops/content_sink.hpp"

namespace insitu {

ContentSink::~ContentSink() = default;

}  // namespace insitu
