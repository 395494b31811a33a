/* scaling_figure.h - the speed-up of one row over vCPU counts, gathered from the
 * store: on paper from an exact run, and as measured from a timed run. As text, as
 * JSON, as a curve for the terminal and as SVG.
 *
 *     scaling_figure_make(store, &run, &timed, &request, &figure, err);
 *     scaling_render_text(&figure, &text);
 *     scaling_draw(&figure, SCALING_SVG, &svg, err);
 *     scaling_figure_release(&figure);
 */
#ifndef KERNGATE_ENGINE_SCALING_FIGURE_H
#define KERNGATE_ENGINE_SCALING_FIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "exact.h"
#include "run_store.h"
#include "scaling.h"
#include "strbuf.h"

/* All borrowed; NULL: the only one there is, and of variants the baseline. */
struct scaling_request {
	const char *row, *variant;
	const char *cells;           /* "GUEST/SUITE", GUEST being the shape that
					vcpus_counts counted over */
};

struct scaling_figure {
	char *run_id, *timed_id;     /* owned; timed_id NULL without a timed run */
	char *guest, *suite;         /* owned; of the shape, without "-Ncpu" */
	char *row, *workload, *variant; /* owned */
	char *timed_metric, *timed_unit, *timed_accelerator; /* owned; NULL without a
					timed run */
	struct exact_policy policy;
	double confidence;           /* of the intervals: the run's gate.confidence */
	struct scaling_point *points; size_t points_count; /* owned; from 1 vCPU on */
	struct scaling_fit fit;
	struct scaling_measured *measured; size_t measured_count; /* owned */
	struct strvec inexact;       /* cells in which a canary failed: their counts
					prove nothing */
};

void scaling_figure_release(struct scaling_figure *figure);

/* run: exact, with cells of vcpus_counts; timed: NULL, or a timed run of the same
 * cells, row, arguments and kernel (it may have fewer counts). -EINVAL: a run of the
 * other mode, without counts, or more than one row or shape to choose from (named);
 * -ENOENT: no such row, variant or shape, with what there is; -ESTALE: the timed run
 * measured something else; -ENODATA: too few counts or no counts of instructions. */
int scaling_figure_make(struct run_store *store, const struct stored_run *run,
			const struct stored_run *timed, const struct scaling_request *request,
			struct scaling_figure *ret_figure, struct error *err) must_check;

/* Sentences on what makes the figure doubtful: cells that are not exact, measured
 * points below the paper's. Appended; none where all is well. */
void scaling_warnings(const struct scaling_figure *figure, struct strvec *ret_warnings);
/* Tables of at most 80 columns, what was fitted, and what the model leaves out. */
void scaling_render_text(const struct scaling_figure *figure, struct strbuf *out);
/* One object with the names of the C fields, a line end behind it. svg_path, where
 * the drawing is, may be NULL. */
void scaling_render_json(const struct scaling_figure *figure, const char *svg_path,
			 struct strbuf *out);

enum scaling_terminal {
	SCALING_SVG,   /* text alternative, light and dark */
	SCALING_DUMB,  /* 79 columns of ASCII */
};

/* By gnuplot: -ENOENT where it is not installed, and gnuplot_draw's other errors.
 * *ret_drawing: owned. */
int scaling_draw(const struct scaling_figure *figure, enum scaling_terminal terminal,
		 char **ret_drawing, struct error *err) must_check;
/* The script that scaling_draw gives to gnuplot. Pure. */
void scaling_script(const struct scaling_figure *figure, enum scaling_terminal terminal,
		    struct strbuf *out);

#endif
