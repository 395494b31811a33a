/* history_render.h - a series over runs for people (80 columns, plain ASCII) and for
 * programs (JSON).
 */
#ifndef KERNGATE_ENGINE_HISTORY_RENDER_H
#define KERNGATE_ENGINE_HISTORY_RENDER_H

#include <jansson.h>

#include "history.h"

/* What it is, its changes and its marks (gaps, other conditions, runs without it).
 * drawing: from history_draw, or NULL. */
int history_render_text(struct run_store *store, const struct history_series *series,
			const char *drawing, struct strbuf *out, struct error *err) must_check;

/* An array with an object for each series. New reference. */
int history_render_json(struct run_store *store, const struct history_series *series,
			size_t count, json_t **ret_array, struct error *err) must_check;

/* The points against time, by gnuplot in ASCII, at most 80 wide; owned. Errors as
 * gnuplot_draw; -ENODATA also where no point has a center. */
int history_draw(const struct history_series *series, char **ret_drawing,
		 struct error *err) must_check;
/* The script of that. */
void history_script(const struct history_series *series, struct strbuf *out);

/* "+5.2 %" of a ratio; of exact mode's small ones with the digits they need. */
void history_add_percent(struct strbuf *out, double ratio);

#endif
