/* render_bisect.h - a bisection for people (80 columns, plain ASCII) and programs. */
#ifndef KERNGATE_ENGINE_RENDER_BISECT_H
#define KERNGATE_ENGINE_RENDER_BISECT_H

#include "bisect.h"
#include "strbuf.h"

void render_bisect_text(const struct bisect *bisect, struct strbuf *out);
void render_bisect_json(const struct bisect *bisect, struct strbuf *out);

#endif
