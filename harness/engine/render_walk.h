/* render_walk.h - a walk for people (80 columns, plain ASCII) and for programs. */
#ifndef KERNGATE_ENGINE_RENDER_WALK_H
#define KERNGATE_ENGINE_RENDER_WALK_H

#include "strbuf.h"
#include "walk.h"

void render_walk_text(const struct walk *walk, struct strbuf *out);
void render_walk_json(const struct walk *walk, struct strbuf *out);

#endif
