/* config_read.c - takes nodes by declared keys: types, ranges, messages.
 *
 * The other half of config_node.h; config_node.c builds the nodes.
 */
#include "config_node.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "suggest.h"

#define SHOWN_MAX 60 /* bytes of a wrong value that a message repeats */
#define CANDIDATES_SHOWN_MAX 24

/* Name classes of the core schema: what a plain scalar stands for. */
enum scalar_kind { SCALAR_NULL, SCALAR_BOOL, SCALAR_INTEGER, SCALAR_REAL, SCALAR_TEXT };

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

static bool all_of(const char *text, const char *accepted)
{
	return *text && text[strspn(text, accepted)] == '\0';
}

static bool is_integer(const char *text)
{
	if (!strncmp(text, "0x", 2))
		return all_of(text + 2, "0123456789abcdefABCDEF");
	if (!strncmp(text, "0o", 2))
		return all_of(text + 2, "01234567");
	if (*text == '-' || *text == '+')
		text++;
	return all_of(text, "0123456789");
}

static bool is_real(const char *text)
{
	static const char *const specials[] = { ".inf", ".Inf", ".INF", ".nan",
						".NaN", ".NAN", NULL };
	size_t whole, part = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (is_one_of(text, specials))
		return true;
	whole = strspn(text, "0123456789");
	text += whole;
	if (*text == '.') {
		part = strspn(text + 1, "0123456789");
		text += 1 + part;
	}
	if (!whole && !part)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		if (*text == '-' || *text == '+')
			text++;
		return all_of(text, "0123456789");
	}
	return !*text;
}

static enum scalar_kind scalar_kind_of(const struct config_node *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL",
					     NULL };
	static const char *const bools[] = { "true",  "True",  "TRUE", "false",
					     "False", "FALSE", NULL };

	if (node->quoted)
		return SCALAR_TEXT;
	if (is_one_of(node->text, nulls))
		return SCALAR_NULL;
	if (is_one_of(node->text, bools))
		return SCALAR_BOOL;
	if (is_integer(node->text))
		return SCALAR_INTEGER;
	return is_real(node->text) ? SCALAR_REAL : SCALAR_TEXT;
}

bool config_is_text(const struct config_node *node)
{
	return scalar_kind_of(node) == SCALAR_TEXT;
}

char *config_where(const struct config_node *node, const struct config_node *from)
{
	if (!strcmp(node->file, from->file))
		return string_format("line %zu", node->line);
	return string_format("%s:%zu", node->file, node->line);
}

/* Text for a message: short, one line, whole characters. */
static void shown_add(struct strbuf *buf, const char *text)
{
	size_t length = strnlen(text, SHOWN_MAX + 1);
	bool is_cut = length > SHOWN_MAX;

	if (is_cut)
		length = SHOWN_MAX;
	while (is_cut && length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	strbuf_addc(buf, '\'');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		strbuf_addc(buf, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
	strbuf_adds(buf, is_cut ? "...'" : "'");
}

/* What stands there, for "found ...". */
static void describe_add(struct strbuf *buf, const struct config_node *node)
{
	if (node->kind != CONFIG_SCALAR) {
		strbuf_adds(buf, node->kind == CONFIG_LIST ? "a list" :
							     "a mapping");
		return;
	}
	if (scalar_kind_of(node) == SCALAR_NULL) {
		strbuf_adds(buf, "nothing");
		return;
	}
	if (node->quoted)
		strbuf_adds(buf, "the quoted text ");
	shown_add(buf, node->text);
}

int config_error(struct error *err, int code, const struct config_node *node,
		 const char *format, ...)
{
	cleanup_free char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = string_vformat(format, arguments);
	va_end(arguments);
	return error_set(err, code, "%s:%zu:%zu: %s", node->file, node->line,
			 node->column, message);
}

int config_refuse(struct error *err, const struct config_node *node,
		  const char *what, const char *expected)
{
	cleanup_strbuf struct strbuf found = STRBUF_INIT;

	describe_add(&found, node);
	return config_error(err, -EINVAL, node, "%s: expected %s, found %s",
			    what, expected, found.data);
}

void config_add_candidates(struct strbuf *buf, const char *word,
			   const char *const *candidates, size_t count)
{
	const char *nearest = suggest_nearest(word, candidates, count);

	if (!count)
		return;
	strbuf_adds(buf, count > 1 ? "; expected one of " : "; expected ");
	for (size_t i = 0; i < count && i < CANDIDATES_SHOWN_MAX; i++)
		strbuf_addf(buf, "%s%s", i ? ", " : "", candidates[i]);
	if (count > CANDIDATES_SHOWN_MAX)
		strbuf_adds(buf, ", ...");
	if (nearest)
		strbuf_addf(buf, " (did you mean '%s'?)", nearest);
}

int config_refuse_name(struct error *err, int code,
		       const struct config_node *node, const char *problem,
		       const char *word, const char *const *candidates,
		       size_t count)
{
	cleanup_strbuf struct strbuf tail = STRBUF_INIT;

	config_add_candidates(&tail, word, candidates, count);
	return config_error(err, code, node, "%s%s", problem, tail.data);
}

const struct config_node *config_find(const struct config_node *node,
				      const char *key)
{
	for (size_t i = 0; i < node->count; i++)
		if (!strcmp(node->keys[i]->text, key))
			return node->items[i];
	return NULL;
}

static int read_text(const struct config_node *node,
		     const struct config_field *field, char **ret_text,
		     struct error *err)
{
	cleanup_free char *text = NULL;
	enum scalar_kind kind;
	const char *expected;
	size_t length;

	if (node->kind != CONFIG_SCALAR)
		return config_refuse(err, node, field->key, "text");
	kind = scalar_kind_of(node);
	if (kind == SCALAR_NULL)
		return config_refuse(err, node, field->key, "text");
	if (kind != SCALAR_TEXT)
		return config_refuse(err, node, field->key,
				     "text (in quotes where it looks like a "
				     "number or true/false)");
	text = string_copy(node->text);
	length = strlen(text);
	/* folded and literal blocks end in a newline that nobody meant */
	if (length && text[length - 1] == '\n')
		text[--length] = '\0';
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return config_refuse(err, node, field->key,
					     "text without control characters");
	expected = field->expect ? field->expect(text) :
		   length	 ? NULL :
				   "text that is not empty";
	if (expected)
		return config_refuse(err, node, field->key, expected);
	*ret_text = take_pointer(text);
	return 0;
}

static int check_count(const struct config_node *node,
		       const struct config_field *field, struct error *err)
{
	if (node->count >= field->minimum && node->count <= field->maximum)
		return 0;
	return config_error(err, -EINVAL, node,
			    "%s: expected %ju..%ju elements, found %zu",
			    field->key, (uintmax_t)field->minimum,
			    (uintmax_t)field->maximum, node->count);
}

static int read_texts(const struct config_node *node,
		      const struct config_field *field, struct error *err)
{
	cleanup_strvec struct strvec texts = STRVEC_INIT;
	struct strvec *target = field->target;
	int r;

	if (node->kind != CONFIG_LIST)
		return config_refuse(err, node, field->key, "a list of texts");
	r = check_count(node, field, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < node->count; i++) {
		cleanup_free char *text = NULL;

		r = read_text(node->items[i], field, &text, err);
		if (r < 0)
			return r;
		for (size_t j = 0; field->unique && j < i; j++)
			if (!strcmp(texts.items[j], text))
				return config_error(
					err, -EINVAL, node->items[i],
					"%s: '%s' is there twice; first at line %zu",
					field->key, text, node->items[j]->line);
		strvec_push(&texts, text);
	}
	strvec_release(target);
	*target = texts;
	texts = STRVEC_INIT;
	return 0;
}

/* -EINVAL unless text is a whole number that fits; its value may still be
 * outside the field's range. */
static int parse_unsigned(const char *text, uint64_t *ret)
{
	int base = 10;
	char *end;
	unsigned long long value;

	if (!is_integer(text))
		return -EINVAL;
	if (!strncmp(text, "0x", 2) || !strncmp(text, "0o", 2)) {
		base = text[1] == 'x' ? 16 : 8;
		text += 2;
	}
	if (*text == '-' && strspn(text + 1, "0") != strlen(text + 1))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int read_unsigned(const struct config_node *node,
			 const struct config_field *field, struct error *err)
{
	char expected[96];
	uint64_t value;

	if (node->kind != CONFIG_SCALAR || node->quoted ||
	    parse_unsigned(node->text, &value) < 0 || value < field->minimum ||
	    value > field->maximum) {
		(void)snprintf(expected, sizeof(expected),
			       "a whole number %ju..%ju",
			       (uintmax_t)field->minimum,
			       (uintmax_t)field->maximum);
		return config_refuse(err, node, field->key, expected);
	}
	if (field->type == CONFIG_TYPE_U64)
		*(uint64_t *)field->target = value;
	else
		*(uint32_t *)field->target = (uint32_t)value;
	return 0;
}

static int read_real(const struct config_node *node,
		     const struct config_field *field, struct error *err)
{
	char expected[96];
	double value = NAN;

	if (node->kind == CONFIG_SCALAR) {
		enum scalar_kind kind = scalar_kind_of(node);

		if (kind == SCALAR_REAL || kind == SCALAR_INTEGER)
			value = strtod(node->text, NULL);
	}
	/* written so that NaN fails too */
	if (!(value >= field->low && value <= field->high)) {
		(void)snprintf(expected, sizeof(expected), "a number %g..%g",
			       field->low, field->high);
		return config_refuse(err, node, field->key, expected);
	}
	*(double *)field->target = value;
	return 0;
}

static int read_bool(const struct config_node *node,
		     const struct config_field *field, struct error *err)
{
	if (node->kind != CONFIG_SCALAR || scalar_kind_of(node) != SCALAR_BOOL)
		return config_refuse(err, node, field->key, "true or false");
	*(bool *)field->target = node->text[0] == 't' || node->text[0] == 'T';
	return 0;
}

static int read_choice(const struct config_node *node,
		       const struct config_field *field, struct error *err)
{
	cleanup_strbuf struct strbuf problem = STRBUF_INIT;
	size_t count = 0;

	if (node->kind != CONFIG_SCALAR || scalar_kind_of(node) == SCALAR_NULL)
		return config_refuse(err, node, field->key, "a word");
	for (; field->choices[count]; count++) {
		if (!strcmp(node->text, field->choices[count])) {
			*(int *)field->target = (int)count;
			return 0;
		}
	}
	strbuf_addf(&problem, "%s: found ", field->key);
	shown_add(&problem, node->text);
	return config_refuse_name(err, -EINVAL, node, problem.data, node->text,
				  field->choices, count);
}

static int read_node(const struct config_node *node,
		     const struct config_field *field, struct error *err)
{
	if (field->type == CONFIG_TYPE_MAP && node->kind != CONFIG_MAP)
		return config_refuse(err, node, field->key, "a mapping");
	if (field->type == CONFIG_TYPE_SCALAR &&
	    (node->kind != CONFIG_SCALAR ||
	     scalar_kind_of(node) == SCALAR_NULL))
		return config_refuse(err, node, field->key, "one value");
	if (field->type == CONFIG_TYPE_LIST) {
		int r;

		if (node->kind != CONFIG_LIST)
			return config_refuse(err, node, field->key, "a list");
		r = check_count(node, field, err);
		if (r < 0)
			return r;
	}
	*(const struct config_node **)field->target = node;
	return 0;
}

int config_read_value(const struct config_node *node,
		      const struct config_field *field, struct error *err)
{
	switch (field->type) {
	case CONFIG_TYPE_TEXT: {
		char *text = NULL;
		int r = read_text(node, field, &text, err);

		if (r < 0)
			return r;
		free(*(char **)field->target);
		*(char **)field->target = text;
		return 0;
	}
	case CONFIG_TYPE_TEXTS:
		return read_texts(node, field, err);
	case CONFIG_TYPE_U32:
	case CONFIG_TYPE_U64:
		return read_unsigned(node, field, err);
	case CONFIG_TYPE_REAL:
		return read_real(node, field, err);
	case CONFIG_TYPE_BOOL:
		return read_bool(node, field, err);
	case CONFIG_TYPE_CHOICE:
		return read_choice(node, field, err);
	case CONFIG_TYPE_MAP:
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_SCALAR:
	case CONFIG_TYPE_ANY:
		break;
	}
	return read_node(node, field, err);
}

static const struct config_field *field_find(const struct config_field *fields,
					     size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

static int refuse_key(const struct config_node *key, const char *what,
		      const struct config_field *fields, size_t count,
		      struct error *err)
{
	cleanup_free const char **names =
		memory_alloc_array(count, sizeof(*names));
	cleanup_strbuf struct strbuf problem = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		names[i] = fields[i].key;
	strbuf_adds(&problem, "unknown key ");
	shown_add(&problem, key->text);
	strbuf_addf(&problem, " in %s", what);
	return config_refuse_name(err, -EINVAL, key, problem.data, key->text,
				  names, count);
}

int config_read(const struct config_node *node, const char *what,
		const struct config_field *fields, size_t count,
		struct error *err)
{
	if (node->kind != CONFIG_MAP)
		return config_refuse(err, node, what, "a mapping");
	for (size_t i = 0; i < node->count; i++)
		if (!field_find(fields, count, node->keys[i]->text))
			return refuse_key(node->keys[i], what, fields, count,
					  err);
	for (size_t i = 0; i < count; i++)
		if (fields[i].required && !config_find(node, fields[i].key))
			return config_error(err, -EINVAL, node,
					    "%s lacks the key '%s'", what,
					    fields[i].key);
	for (size_t i = 0; i < node->count; i++) {
		int r = config_read_value(node->items[i],
					  field_find(fields, count,
						     node->keys[i]->text),
					  err);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *config_expect_name(const char *text)
{
	static const char accepted[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (!all_of(text, accepted) || strlen(text) > 64 ||
	    strchr("._-", text[0]))
		return "a name of a-z, 0-9, '.', '_', '-', at most 64 long, "
		       "that begins with a letter or digit";
	return NULL;
}

const char *config_expect_reference(const char *text)
{
	if (strchr(text, '/'))
		return NULL;
	return config_expect_name(text);
}

const char *config_expect_word(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > 256)
		return "a word of 1..256 characters";
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return "a word of printable ASCII without blanks";
	return NULL;
}
