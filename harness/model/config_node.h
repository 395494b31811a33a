/* config_node.h - YAML config files as nodes that know where they stand, and a
 * reader that takes mappings by declared keys. Used by campaign.c and its
 * neighbours; it knows nothing of what the keys mean. Pure but for
 * config_document_load, which reads the file.
 *
 *     config_document_load(path, &document, err);
 *     struct config_field fields[] = {
 *             { CONFIG_U32("vcpus_count", &vcpus, 1, 64), .required = true },
 *             { CONFIG_TEXT("purpose", &purpose, NULL) },
 *     };
 *     config_read(config_document_root(document), "guest", fields,
 *                 ARRAY_COUNT(fields), err);
 *     config_document_free(document);
 *
 * Every refusal begins with "file:line:column: " (both from 1) and says what
 * was expected. Scalars follow the core schema of YAML 1.2 (yaml.org/spec/1.2.2,
 * 10.3): a quoted scalar is text, a plain one is null, true/false, a number or
 * else text. Aliases are followed (a refusal then points to the anchored
 * value); tags, complex keys and several documents are refused.
 */
#ifndef KERNGATE_MODEL_CONFIG_NODE_H
#define KERNGATE_MODEL_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "strbuf.h"

#define CONFIG_FILE_MAX (1u << 20)   /* bytes */
#define CONFIG_NODES_MAX 10000u      /* with every alias written out */
#define CONFIG_DEPTH_MAX 32u
#define CONFIG_ANCHORS_MAX 256u
#define CONFIG_TEXT_MAX 4096u        /* bytes of one scalar */

enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };

struct config_document;

struct config_node {
	enum config_kind kind;
	const char *file;             /* borrowed from the document */
	size_t line, column;          /* from 1 */
	char *text;                   /* scalar; owned */
	bool quoted;                  /* scalar: always text */
	struct config_node **keys;    /* mapping: scalars, unique; else NULL */
	struct config_node **items;   /* list: elements; mapping: values */
	size_t count;
	size_t weight;                /* nodes below and itself, aliases written out */
	size_t height;                /* levels below and itself */
};

/* text need not end in NUL. file_name is for messages. -EINVAL for anything
 * that is not one YAML document within the bounds above, empty ones included;
 * -EFBIG beyond CONFIG_FILE_MAX. */
int config_document_parse(const char *file_name, const char *text,
			  size_t length, struct config_document **ret_document,
			  struct error *err) must_check;
/* The file at path; also the errnos of reading it. */
int config_document_load(const char *path, struct config_document **ret_document,
			 struct error *err) must_check;
void config_document_free(struct config_document *document); /* NULL allowed */
const char *config_document_file(const struct config_document *document);
/* Borrowed, never NULL. */
const struct config_node *config_document_root(
	const struct config_document *document);

void cleanup_config_document_(struct config_document **document);
#define cleanup_config_document cleanup_with(cleanup_config_document_)

/* Sets "file:line:column: message"; returns code. */
int config_error(struct error *err, int code, const struct config_node *node,
		 const char *format, ...) printf_like(4, 5);
/* "expected EXPECTED, found 'two'"; -EINVAL. */
int config_refuse(struct error *err, const struct config_node *node,
		  const char *what, const char *expected);
/* "no guest 'upp'; expected one of iommu, up (did you mean 'up'?)". Candidates
 * may be none. Returns code. */
int config_refuse_name(struct error *err, int code,
		       const struct config_node *node, const char *problem,
		       const char *word, const char *const *candidates,
		       size_t count);
/* Appends "; expected one of ... (did you mean ...?)" or nothing if count is
 * 0. */
void config_add_candidates(struct strbuf *buf, const char *word,
			   const char *const *candidates, size_t count);

/* Whether a scalar is text, and no number, truth value or nothing. */
bool config_is_text(const struct config_node *node);
/* "line 3", or "FILE:3" where it stands in another file than `from`; owned. */
char *config_where(const struct config_node *node, const struct config_node *from);

/* Value of a key, or NULL; borrowed. node is a mapping. */
const struct config_node *config_find(const struct config_node *node,
				      const char *key);

/* NULL if text will do, else what was expected. */
typedef const char *config_expect_fn(const char *text);

enum config_type {
	CONFIG_TYPE_TEXT,    /* char *, owned: what was there is freed */
	CONFIG_TYPE_TEXTS,   /* struct strvec: what was there is replaced */
	CONFIG_TYPE_U32,
	CONFIG_TYPE_U64,
	CONFIG_TYPE_REAL,    /* double */
	CONFIG_TYPE_BOOL,
	CONFIG_TYPE_CHOICE,  /* int: index into choices */
	CONFIG_TYPE_MAP,     /* const struct config_node *, borrowed */
	CONFIG_TYPE_LIST,    /* the same */
	CONFIG_TYPE_SCALAR,  /* the same; any text, number or boolean */
	CONFIG_TYPE_ANY,     /* the same; the caller reads it */
};

struct config_field {
	const char *key;
	enum config_type type;
	void *target;                 /* untouched if the key is absent */
	bool required;
	bool unique;                  /* TEXTS: no element twice */
	uint64_t minimum, maximum;    /* numbers; LIST and TEXTS: elements */
	double low, high;             /* REAL */
	const char *const *choices;   /* NULL-terminated */
	config_expect_fn *expect;     /* TEXT, TEXTS: each element; may be NULL */
};

/* Evaluates to target if it points to that type, else does not compile. */
#define CONFIG_TARGET(target_, type_) (1 ? (target_) : (type_ *)NULL)

/* Initialisers of a field, without the braces:
 * { CONFIG_U32("memory_slots", &slots, 0, 255), .required = true } */
#define CONFIG_TEXT(key_, target_, expect_)                                    \
	.key = (key_), .type = CONFIG_TYPE_TEXT,                               \
	.target = CONFIG_TARGET(target_, char *), .expect = (expect_)
#define CONFIG_TEXTS(key_, target_, expect_)                                   \
	.key = (key_), .type = CONFIG_TYPE_TEXTS, .maximum = 1000,             \
	.target = CONFIG_TARGET(target_, struct strvec), .expect = (expect_)
#define CONFIG_U32(key_, target_, minimum_, maximum_)                          \
	.key = (key_), .type = CONFIG_TYPE_U32,                                \
	.target = CONFIG_TARGET(target_, uint32_t), .minimum = (minimum_),     \
	.maximum = (maximum_)
#define CONFIG_U64(key_, target_, minimum_, maximum_)                          \
	.key = (key_), .type = CONFIG_TYPE_U64,                                \
	.target = CONFIG_TARGET(target_, uint64_t), .minimum = (minimum_),     \
	.maximum = (maximum_)
#define CONFIG_REAL(key_, target_, low_, high_)                                \
	.key = (key_), .type = CONFIG_TYPE_REAL,                               \
	.target = CONFIG_TARGET(target_, double), .low = (low_),               \
	.high = (high_)
#define CONFIG_BOOL(key_, target_)                                             \
	.key = (key_), .type = CONFIG_TYPE_BOOL,                               \
	.target = CONFIG_TARGET(target_, bool)
#define CONFIG_CHOICE(key_, target_, choices_)                                 \
	.key = (key_), .type = CONFIG_TYPE_CHOICE,                             \
	.target = CONFIG_TARGET(target_, int), .choices = (choices_)
#define CONFIG_NODE_(key_, type_, target_, minimum_, maximum_)                 \
	.key = (key_), .type = (type_),                                        \
	.target = CONFIG_TARGET(target_, const struct config_node *),          \
	.minimum = (minimum_), .maximum = (maximum_)
#define CONFIG_MAPPING(key_, target_)                                          \
	CONFIG_NODE_(key_, CONFIG_TYPE_MAP, target_, 0, 0)
#define CONFIG_LIST_OF(key_, target_, minimum_, maximum_)                      \
	CONFIG_NODE_(key_, CONFIG_TYPE_LIST, target_, minimum_, maximum_)
#define CONFIG_ANY(key_, target_)                                              \
	CONFIG_NODE_(key_, CONFIG_TYPE_ANY, target_, 0, 0)
#define CONFIG_ANY_SCALAR(key_, target_)                                       \
	CONFIG_NODE_(key_, CONFIG_TYPE_SCALAR, target_, 0, 0)

/* Reads a mapping: unknown keys, wrong types, values out of range and missing
 * required keys are refused with -EINVAL. what names the mapping in messages
 * ("guest"). On failure targets may already have changed; the caller releases
 * them as ever. */
int config_read(const struct config_node *node, const char *what,
		const struct config_field *fields, size_t count,
		struct error *err) must_check;

/* A scalar as config_read would take it for a field. */
int config_read_value(const struct config_node *node,
		      const struct config_field *field,
		      struct error *err) must_check;

/* Expectations that several files share. */
config_expect_fn config_expect_name;      /* [a-z0-9._-]+, begins with [a-z0-9], <= 64 */
config_expect_fn config_expect_reference; /* that, or a path (has a slash) */
config_expect_fn config_expect_word;      /* printable ASCII without blanks, <= 256 */

#endif
