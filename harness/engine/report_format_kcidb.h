/* report_format_kcidb.h - the parts of a KCIDB report. Private to
 * report_format_kcidb*.c.
 */
#ifndef KERNGATE_ENGINE_REPORT_FORMAT_KCIDB_H
#define KERNGATE_ENGINE_REPORT_FORMAT_KCIDB_H

#include <jansson.h>

#include "hash.h"
#include "report_format_parts.h"

#define KCIDB_ORIGIN "kerngate"

struct kcidb_report {
	json_t *checkouts, *builds, *tests, *issues, *incidents; /* arrays; owned */
};

/* A new object with its origin and "kerngate:REST" as its id, rest mapped to letters,
 * digits and "_.-". */
json_t *kcidb_object(const char *rest);
/* Another member that holds an id. */
void kcidb_set_id(json_t *object, const char *key, const char *rest);
/* Nothing for NULL and "": the schema knows no null. */
void kcidb_set_text(json_t *object, const char *key, const char *value);
/* RFC 3339; nothing for 0. */
void kcidb_set_time(json_t *object, const char *key, uint64_t wall_ns);

/* A test for each finished boot that counts; an issue for each bug of a console, and an
 * incident for each boot that shows it. */
int kcidb_add_boots(const struct format_input *input, struct kcidb_report *report,
		    struct error *err) must_check;
/* A measurement for each metric of each variant; a verdict for each of a candidate. */
int kcidb_add_metrics(const struct format_input *input, struct kcidb_report *report,
		      struct error *err) must_check;

#endif
