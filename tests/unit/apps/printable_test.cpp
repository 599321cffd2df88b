// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/printable.hpp"

#include <nlohmann/json.hpp>

#include "support/catch.hpp"

using namespace insitu::apps;
using Json = nlohmann::ordered_json;

TEST_CASE("what is printed holds no control character and no byte that is no UTF-8") {
    CHECK(printable("rootfs.img") == "rootfs.img");
    CHECK(printable("gr\xc3\xb6\xc3\x9f"
                    "e \xe2\x82\xac \xf0\x9f\x98\x80") ==
          "gr\xc3\xb6\xc3\x9f"
          "e \xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK(printable("a\nb\x1b[2J\x7f") == "a\\x0ab\\x1b[2J\\x7f");
    CHECK(printable_lines("a\nb\x1b[2J\n\nc\n") == "a\nb\\x1b[2J\n\nc\n");
    CHECK(printable_lines("") == "");
    CHECK(printable("\xc2\x9b"
                    "31m") ==
          "\\xc2\\x9b"
          "31m");
    CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");
    CHECK(printable("image\xff") == "image\\xff");
    CHECK(printable("\xc3") == "\\xc3");
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(printable("\xc0\x80\xf5") == "\\xc0\\x80\\xf5");
}

TEST_CASE("a document with bytes that are no UTF-8 is printed, and the others as they are") {
    Json document;
    document["image"] = "image\xff\\";
    document["list"] = {"\xfe",
                        "gr\xc3\xbc\xc3\x9f"
                        "e",
                        7};
    const Json read = Json::parse(json_text(document));
    CHECK(read["image"] == "image\\xff\\\\");
    CHECK(read["list"][0] == "\\xfe");
    CHECK(read["list"][1] ==
          "gr\xc3\xbc\xc3\x9f"
          "e");
    CHECK(json_text(Json{{"a", "b\\"}}) == R"({"a":"b\\"})");
}

TEST_CASE("a document holds no control characters, and says which there were") {
    const Json document{{"a",
                         "e\x7f"
                         "d\xc2\x80\xc2\x9f\xc2\xa0\xe2\x80\xae\n\xf0\x9f\x98\x80"}};
    CHECK(json_text(document) ==
          "{\"a\":\"e\\u007fd\\u0080\\u009f\xc2\xa0\\u202e\\n\xf0\x9f\x98\x80\"}");
    CHECK(Json::parse(json_text(document, 2)) == document);
}
