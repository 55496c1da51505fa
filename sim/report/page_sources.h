// The sources of the page of a run (sim/report/page), put into the program when it is built.
#pragma once

namespace orrery::sim {

extern const char* const kPageHtml;  // With {{TITLE}}, {{STYLE}}, {{STORY}} and {{SCRIPT}}.
extern const char* const kPageStyle;
extern const char* const kPageScript;

}  // namespace orrery::sim
