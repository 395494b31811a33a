/* case_record.h - case.json: a kept case as text and back. Between cases.c and
 * case_record*.c only. Paths inside are relative to the case's folder.
 */
#ifndef KERNGATE_ENGINE_CASE_RECORD_H
#define KERNGATE_ENGINE_CASE_RECORD_H

#include <jansson.h>

#include "cases.h"

#define CASE_FORMAT 1
#define CASE_RECORD "case.json"
#define CASE_COMMON "common.cpio"
#define CASE_PLAN "plan.cpio"
#define CASE_SERIES "series"       /* series/NAME/..., as the project has them */
#define CASE_FRAGMENTS "fragments" /* fragments/NAME.config */

/* Owned text. Series and fragments are named by their base names. */
char *case_record_format(const struct kept_case *kept);
/* folder: absolute, what paths are joined to. -EBADMSG, -EPROTO: as case_open. */
int case_record_parse(const char *text, size_t length, const char *folder,
		      struct kept_case *ret_case, struct error *err) must_check;

/* --- case_reader.c: members of JSON objects, each checked ------------------- */

/* The first complaint counts; afterwards every call gives a harmless value. */
struct case_reader {
	struct error *err;
	int code;          /* 0 as long as all was well */
};

/* A member of that type; NULL after a complaint. Borrowed. */
json_t *case_read_member(struct case_reader *reader, const json_t *object, const char *key,
			 json_type type);
/* Owned; "" after a complaint. */
char *case_read_text(struct case_reader *reader, const json_t *object, const char *key);
/* Owned; NULL where the member is null. */
char *case_read_text_or_null(struct case_reader *reader, const json_t *object,
			     const char *key);
uint64_t case_read_number(struct case_reader *reader, const json_t *object, const char *key,
			  uint64_t minimum, uint64_t maximum);
bool case_read_flag(struct case_reader *reader, const json_t *object, const char *key);
/* An array of texts; *ret is added to. */
void case_read_texts(struct case_reader *reader, const json_t *object, const char *key,
		     struct strvec *ret);
/* An array of at most maximum objects; NULL and *ret_count 0 after a complaint. */
json_t *case_read_objects(struct case_reader *reader, const json_t *object, const char *key,
			  size_t maximum, size_t *ret_count);
void case_complain(struct case_reader *reader, const char *key, const char *expected);

/* --- case_kernel.c ------------------------------------------------------------ */

json_t *case_kernel_json(const struct kernel_spec *spec);
void case_kernel_read(struct case_reader *reader, const json_t *object, const char *folder,
		      struct kernel_spec *ret_spec);
/* Copies what the spec names, patches and fragments, into the case's folder. */
int case_kernel_copy(const struct kernel_spec *spec, const char *folder,
		     struct error *err) must_check;

#endif
