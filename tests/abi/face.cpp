// SPDX-License-Identifier: GPL-2.0-or-later
// Names what programs see of the library, so that its debug information has the types: what
// abidw(1) makes of that is the binary interface as the headers have it (abi_test.sh). c_face.inc
// has a line for each function of insitu.h.
#include <insitu.h>

#include <insitu/insitu.hpp>

using namespace insitu;

// Classes and structs, with what their members and functions use.
struct CxxFace {
    Error* error;
    Store* store;
    OwnedStore* owned_store;
    Image* image;
    OpenedImage* opened_image;
    OpenOptions* open_options;
    Device* device;
    DeviceStatus* device_status;
    Source* source;
    ContentSink* content_sink;
    Target* target;
    PackOptions* pack_options;
    PackResult* pack_result;
    UnpackOptions* unpack_options;
    UnpackResult* unpack_result;
    CheckOptions* check_options;
    CheckResult* check_result;
    RepairOptions* repair_options;
    RepairResult* repair_result;
    FindingSink* finding_sink;
    FindingKind* finding_kind;
    LogFile* log_file;
    ImageStat* image_stat;
    TrimOptions* trim_options;
    TrimResult* trim_result;
    Progress* progress;
    Control* control;
    StopFlag* stop_flag;
};
CxxFace cxx_face;

// Symbols of C do not say what a function takes.
#define FUNCTION(name) decltype(&name) name##_type;
struct CFace {
#include "c_face.inc"
};
CFace c_face;
