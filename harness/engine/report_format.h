/* report_format.h - a judged run in the formats that other programs read.
 * docs/formats.md says what stands where in each.
 */
#ifndef KERNGATE_ENGINE_REPORT_FORMAT_H
#define KERNGATE_ENGINE_REPORT_FORMAT_H

#include "comparison.h"
#include "error.h"
#include "strbuf.h"

enum report_format {
	REPORT_JUNIT,    /* junit-10.xsd */
	REPORT_KTAP,     /* KTAP version 1 */
	REPORT_KCIDB,    /* KCIDB 5.3 JSON */
	REPORT_BENCHFMT, /* Go benchmark format */
	REPORT_LKP,      /* matrix.json of LKP */
	REPORT_BMF,      /* Bencher Metric Format */
	REPORT_CSV,      /* every raw sample, a header line first (RFC 4180) */
	REPORT_JSON,     /* as `kerngate compare --json` */
	REPORT_FORMATS_COUNT,
};

const char *report_format_name(enum report_format format); /* "junit", ... */
/* -EINVAL names the known ones and the nearest. */
int report_format_parse(const char *name, enum report_format *ret_format,
			struct error *err) must_check;
/* The whole file, appended to out. store: where the run came from, for samples and
 * findings. */
int report_format_write(enum report_format format, struct run_store *store,
			const struct stored_run *run, const struct comparison *comparison,
			struct strbuf *out, struct error *err) must_check;
/* The same from another source of samples and findings (a test). */
int report_format_write_from(enum report_format format, const struct comparison_source *source,
			     const struct stored_run *run, const struct comparison *comparison,
			     struct strbuf *out, struct error *err) must_check;

#endif
