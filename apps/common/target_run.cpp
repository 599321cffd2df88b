#include "common/target_run.hpp"

namespace insitu::apps {

void begin_target(Tool& tool, Target& target) {
    tool.say_on_failure(target.unfinished_state());
    target.prepare();
}

void commit_target(Tool& tool, Target& target) {
    target.commit();
    tool.say_on_failure({});
}

}  // namespace insitu::apps
