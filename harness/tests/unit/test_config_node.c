/* test_config_node.c - YAML > nodes, and reading them by declared keys. */
#include "config_node.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

struct values {
	char *text;
	struct strvec texts;
	uint32_t small;
	uint64_t large;
	double real;
	bool is_set;
	int choice;
	const struct config_node *map, *list, *scalar;
};

static void values_release(struct values *values)
{
	free(values->text);
	strvec_release(&values->texts);
}

/* Reads text (of length bytes) as a mapping of all types. */
static int read_bytes(const char *text, size_t length, struct values *values,
		      struct error *err)
{
	static const char *const choices[] = { "none", "intel", "virtio", NULL };
	cleanup_config_document struct config_document *document = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("text", &values->text, NULL) },
		{ CONFIG_TEXTS("texts", &values->texts, config_expect_word),
		  .unique = true },
		{ CONFIG_U32("small", &values->small, 1, 64) },
		{ CONFIG_U64("large", &values->large, 0, UINT64_MAX) },
		{ CONFIG_REAL("real", &values->real, 0.5, 50) },
		{ CONFIG_BOOL("is_set", &values->is_set) },
		{ CONFIG_CHOICE("choice", &values->choice, choices) },
		{ CONFIG_MAPPING("map", &values->map) },
		{ CONFIG_LIST_OF("list", &values->list, 1, 3) },
		{ CONFIG_ANY_SCALAR("scalar", &values->scalar) },
	};
	int r = config_document_parse("f", text, length, &document, err);

	if (r < 0)
		return r;
	return config_read(config_document_root(document), "thing", fields,
			   ARRAY_COUNT(fields), err);
}

static void accept(const char *text, struct values *values)
{
	struct error err = ERROR_INIT;

	*values = (struct values){ .choice = -1 };
	if (!test_check(read_bytes(text, strlen(text), values, &err) == 0))
		test_check_string(err.message, text);
	CU_ASSERT_EQUAL(err.code, 0);
}

/* The whole message, so that place and expectation cannot drift. */
static void refuse(const char *text, const char *message)
{
	struct error err = ERROR_INIT;
	cleanup_with(values_release) struct values values = { .choice = -1 };

	CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &values, &err), -EINVAL);
	CU_ASSERT_EQUAL(err.code, -EINVAL);
	test_check_string(err.message, message);
}

static void refuse_like(const char *text, size_t length, const char *part)
{
	struct error err = ERROR_INIT;
	cleanup_with(values_release) struct values values = { .choice = -1 };

	CU_ASSERT_EQUAL(read_bytes(text, length, &values, &err), -EINVAL);
	test_check_contains(err.message, part);
}

static void test_all_types(void)
{
	cleanup_with(values_release) struct values values;

	accept("text: some words # a comment\n"
	       "texts: [a, 'b', \"c\"]\n"
	       "small: 0x40\n"
	       "large: 18446744073709551615\n"
	       "real: 1.25e1\n"
	       "is_set: True\n"
	       "choice: virtio\n", &values);
	test_check_string(values.text, "some words");
	CU_ASSERT_EQUAL(values.texts.count, 3);
	CU_ASSERT(strvec_contains(&values.texts, "b"));
	CU_ASSERT_EQUAL(values.small, 64);
	CU_ASSERT_EQUAL(values.large, UINT64_MAX);
	CU_ASSERT_EQUAL(values.real, 12.5);
	CU_ASSERT(values.is_set);
	CU_ASSERT_EQUAL(values.choice, 2);
}

static void test_absent_keys_keep_defaults(void)
{
	cleanup_with(values_release) struct values values;

	accept("small: 3\n", &values);
	CU_ASSERT_EQUAL(values.small, 3);
	CU_ASSERT_EQUAL(values.choice, -1);
	CU_ASSERT_PTR_NULL(values.text);
}

static void test_number_forms(void)
{
	static const struct { const char *text; uint32_t value; } cases[] = {
		{ "small: 1", 1 },   { "small: +7", 7 }, { "small: 010", 10 },
		{ "small: 0o17", 15 }, { "small: 0x1f", 31 }, { "small: 64", 64 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_with(values_release) struct values values;

		accept(cases[i].text, &values);
		CU_ASSERT_EQUAL(values.small, cases[i].value);
	}
}

static void test_quoted_is_text(void)
{
	cleanup_with(values_release) struct values values;

	accept("text: '7.3'\ntexts: ['1', \"true\", 'null']\n", &values);
	test_check_string(values.text, "7.3");
	CU_ASSERT(strvec_contains(&values.texts, "true"));
}

static void test_blocks(void)
{
	cleanup_with(values_release) struct values values;

	accept("text: >\n  two\n  lines\nsmall: 2\n", &values);
	test_check_string(values.text, "two lines");
}

static void test_aliases(void)
{
	cleanup_with(values_release) struct values values;

	accept("text: &t hello\ntexts: [*t, other]\n", &values);
	CU_ASSERT(strvec_contains(&values.texts, "hello"));
}

static void test_unknown_keys(void)
{
	refuse("small: 1\nlarg: 2\n",
	       "f:2:1: unknown key 'larg' in thing; expected one of text, texts, "
	       "small, large, real, is_set, choice, map, list, scalar (did you "
	       "mean 'large'?)");
	refuse("{small: 1, xyzzy: 2}\n",
	       "f:1:12: unknown key 'xyzzy' in thing; expected one of text, "
	       "texts, small, large, real, is_set, choice, map, list, scalar");
	refuse_like("<<: {small: 1}\n", 15, "f:1:1: unknown key '<<' in thing");
}

static void test_duplicate_keys(void)
{
	refuse("small: 1\nlarge: 2\nsmall: 1\n",
	       "f:3:1: the key 'small' is there twice; first at line 1");
}

static void test_wrong_numbers(void)
{
#define SMALL "f:1:8: small: expected a whole number 1..64, found "
	refuse("small: two\n", SMALL "'two'");
	refuse("small: 0\n", SMALL "'0'");
	refuse("small: 65\n", SMALL "'65'");
	refuse("small: -1\n", SMALL "'-1'");
	refuse("small: 1.5\n", SMALL "'1.5'");
	refuse("small: 1_0\n", SMALL "'1_0'");
	refuse("small: 0x\n", SMALL "'0x'");
	refuse("small: '2'\n", SMALL "the quoted text '2'");
	refuse("small: [2]\n", SMALL "a list");
	refuse("small: {a: 2}\n", SMALL "a mapping");
	refuse("small: ~\n", SMALL "nothing");
	refuse("small: 99999999999999999999999\n",
	       SMALL "'99999999999999999999999'");
	refuse("large: -1\n", "f:1:8: large: expected a whole number "
			      "0..18446744073709551615, found '-1'");
	refuse("large: 18446744073709551616\n",
	       "f:1:8: large: expected a whole number "
	       "0..18446744073709551615, found '18446744073709551616'");
}

static void test_wrong_reals(void)
{
#define REAL "f:1:7: real: expected a number 0.5..50, found "
	refuse("real: .nan\n", REAL "'.nan'");
	refuse("real: .inf\n", REAL "'.inf'");
	refuse("real: -.inf\n", REAL "'-.inf'");
	refuse("real: 0.49\n", REAL "'0.49'");
	refuse("real: 51\n", REAL "'51'");
	refuse("real: 5%\n", REAL "'5%'");
	refuse("real: \"5\"\n", REAL "the quoted text '5'");
	refuse("real: nan\n", REAL "'nan'");
}

static void test_wrong_bools_and_choices(void)
{
	refuse("is_set: yes\n", "f:1:9: is_set: expected true or false, found 'yes'");
	refuse("is_set: 1\n", "f:1:9: is_set: expected true or false, found '1'");
	refuse("is_set: 'true'\n", "f:1:9: is_set: expected true or false, "
				   "found the quoted text 'true'");
	refuse("choice: intle\n",
	       "f:1:9: choice: found 'intle'; expected one of none, intel, "
	       "virtio (did you mean 'intel'?)");
	refuse("choice: [none]\n", "f:1:9: choice: expected a word, found a list");
	refuse("choice:\n", "f:1:8: choice: expected a word, found nothing");
}

static void test_wrong_texts(void)
{
	refuse("text: 7.3\n",
	       "f:1:7: text: expected text (in quotes where it looks like a "
	       "number or true/false), found '7.3'");
	refuse("text: false\n",
	       "f:1:7: text: expected text (in quotes where it looks like a "
	       "number or true/false), found 'false'");
	refuse("text: null\n", "f:1:7: text: expected text, found nothing");
	refuse("text: ''\n", "f:1:7: text: expected text that is not empty, "
			     "found the quoted text ''");
	refuse("text: [a]\n", "f:1:7: text: expected text, found a list");
	refuse("text: \"a\\tb\"\n", "f:1:7: text: expected text without control "
				    "characters, found the quoted text 'a?b'");
	refuse("text: \"a\\0b\"\n", "f:1:7: text holds a NUL character");
	refuse("texts: a\n", "f:1:8: texts: expected a list of texts, found 'a'");
	refuse("texts:\n - a\n - b\n - a\n",
	       "f:4:4: texts: 'a' is there twice; first at line 2");
	refuse("texts: ['a b']\n",
	       "f:1:9: texts: expected a word of printable ASCII without "
	       "blanks, found the quoted text 'a b'");
}

static void test_wrong_nodes(void)
{
	refuse("map: [a]\n", "f:1:6: map: expected a mapping, found a list");
	refuse("map: a\n", "f:1:6: map: expected a mapping, found 'a'");
	refuse("list: {a: 1}\n", "f:1:7: list: expected a list, found a mapping");
	refuse("list: []\n", "f:1:7: list: expected 1..3 elements, found 0");
	refuse("list: [1, 2, 3, 4]\n",
	       "f:1:7: list: expected 1..3 elements, found 4");
	refuse("scalar: [1]\n", "f:1:9: scalar: expected one value, found a list");
	refuse("- small\n", "f:1:1: thing: expected a mapping, found a list");
	refuse("hello\n", "f:1:1: thing: expected a mapping, found 'hello'");
}

static void test_shown_values_are_short(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "small: ");
	for (int i = 0; i < 59; i++)
		strbuf_addc(&text, 'x');
	strbuf_adds(&text, "\xc3\xa4\xc3\xa4\n"); /* cut between whole characters */
	refuse_like(text.data, text.length, "xxx...'");
}

static void test_empty(void)
{
	refuse("", "f:1:1: empty; expected a mapping");
	refuse("\n# only a comment\n", "f:1:1: empty; expected a mapping");
	refuse("---\n...\n", "f:1:1: empty; expected a mapping");
}

static void test_several_documents(void)
{
	refuse("small: 1\n---\nsmall: 2\n",
	       "f:2:1: a second document begins here; expected one in a file");
	refuse("---\n---\nsmall: 2\n",
	       "f:2:1: a second document begins here; expected one in a file");
}

static void test_broken_yaml(void)
{
	refuse_like("small: [1\n", 10, "f:2:1: not YAML: ");
	refuse_like("small: 1\n\tlarge: 2\n", 19, "f:2:1: not YAML: ");
	refuse_like("a: b: c\n", 8, "f:1:5: not YAML: ");
	refuse_like("text: \"open\n", 12, "not YAML: ");
	refuse_like("text: @x\n", 9, "f:1:7: not YAML: ");
}

static void test_not_utf8(void)
{
	refuse_like("small: 1\ntext: a\xff\xfe\n", 18, "f:2:8: not UTF-8 text: ");
	refuse_like("text: \xc3\n", 8, "f:1:8: not UTF-8 text: ");
	refuse_like("text: a\0b\n", 10, "f:1:8: not UTF-8 text: ");
	refuse_like("\x7f" "ELF\x02\x01", 6, "f:1:1: not UTF-8 text: ");
}

static void test_tags_and_odd_keys(void)
{
	refuse("small: !!int 1\n", "f:1:8: tags are not understood here");
	refuse("map: !x {a: 1}\n", "f:1:6: tags are not understood here");
	refuse("? [a, b]\n: 1\n", "f:1:3: a key must be plain text");
}

static void test_bad_aliases(void)
{
	refuse("text: *nobody\n", "f:1:7: no such anchor before this alias");
	refuse("list: &l [1, *l]\n", "f:1:14: this alias would hold itself");
	refuse("map: &m {a: {b: *m}}\n", "f:1:17: this alias would hold itself");
	refuse("text: &a x\nscalar: &a y\n", "f:2:9: this anchor is there twice");
}

static void test_billion_laughs(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c <= 'k'; c++)
		strbuf_addf(&text,
			    "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n",
			    c, c, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1,
			    c - 1, c - 1);
	refuse_like(text.data, text.length, "too many values in one file");
}

static void test_deep(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_strbuf struct strbuf chain = STRBUF_INIT;

	strbuf_adds(&text, "list: ");
	for (int i = 0; i < 400; i++)
		strbuf_addc(&text, '[');
	refuse_like(text.data, text.length, "nested too deeply");
	/* no line is deep, but the aliases are */
	strbuf_adds(&chain, "a0: &a0 [x]\n");
	for (int i = 1; i < 60; i++)
		strbuf_addf(&chain, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	refuse_like(chain.data, chain.length, "nested too deeply");
}

static void test_too_many(void)
{
	cleanup_strbuf struct strbuf many = STRBUF_INIT;
	cleanup_strbuf struct strbuf anchors = STRBUF_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (unsigned int i = 0; i <= CONFIG_NODES_MAX; i++)
		strbuf_addf(&many, "- %u\n", i);
	refuse_like(many.data, many.length, "too many values in one file");
	for (unsigned int i = 0; i <= CONFIG_ANCHORS_MAX; i++)
		strbuf_addf(&anchors, "- &a%u x\n", i);
	refuse_like(anchors.data, anchors.length, "too many anchors");
	strbuf_adds(&text, "text: ");
	for (unsigned int i = 0; i <= CONFIG_TEXT_MAX; i++)
		strbuf_addc(&text, 'x');
	refuse_like(text.data, text.length, "text longer than 4096 bytes");
}

static void test_large_file(void)
{
	cleanup_free char *text = memory_alloc(CONFIG_FILE_MAX + 1);
	cleanup_config_document struct config_document *document = NULL;
	cleanup_free char *path = path_join(test_temp_folder(), "large.yaml");
	struct error err = ERROR_INIT;

	memset(text, '\n', CONFIG_FILE_MAX + 1);
	CU_ASSERT_EQUAL(config_document_parse("f", text, CONFIG_FILE_MAX + 1,
					      &document, &err), -EFBIG);
	test_check_string(err.message,
			  "f:1:1: larger than 1 MiB, no config file");
	if (!test_check(file_write_atomic(path, text, CONFIG_FILE_MAX + 1,
					  0644) == 0))
		return;
	CU_ASSERT_EQUAL(config_document_load(path, &document, &err), -EFBIG);
	test_check_contains(err.message, "large.yaml:1:1: larger than 1 MiB");
	CU_ASSERT_PTR_NULL(document);
}

static void test_load(void)
{
	cleanup_config_document struct config_document *document = NULL;
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "missing.yaml");
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(config_document_load(path, &document, &err), -ENOENT);
	test_check_contains(err.message, "missing.yaml: No such file");
	CU_ASSERT_EQUAL(config_document_load(folder, &document, &err), -EISDIR);
	test_check_contains(err.message, ": a folder, expected a file");
	if (!test_check(file_write_atomic(path, "a: 1\n", 5, 0644) == 0))
		return;
	CU_ASSERT_EQUAL(config_document_load(path, &document, &err), 0);
	test_check_string(config_document_file(document), path);
	CU_ASSERT_EQUAL(config_document_root(document)->kind, CONFIG_MAP);
}

static void test_missing_keys(void)
{
	cleanup_config_document struct config_document *document = NULL;
	struct error err = ERROR_INIT;
	uint32_t number = 9;
	const struct config_field fields[] = {
		{ CONFIG_U32("count", &number, 1, 64), .required = true },
	};
	static const char text[] = "# first\n\n  {}\n";

	if (!test_check(config_document_parse("f", text, strlen(text), &document,
					      &err) == 0))
		return;
	CU_ASSERT_EQUAL(config_read(config_document_root(document), "guest",
				    fields, ARRAY_COUNT(fields), &err),
			-EINVAL);
	test_check_string(err.message, "f:3:3: guest lacks the key 'count'");
	CU_ASSERT_EQUAL(number, 9);
}

static void test_names(void)
{
	static const char *const good[] = { "a", "linux-7.3", "x_y", "0" };
	static const char *const bad[] = { "", ".a", "-a", "A", "a b", "a/b",
					   "\xc3\xa4", "_a" };
	char longest[66];

	for (size_t i = 0; i < ARRAY_COUNT(good); i++)
		CU_ASSERT_PTR_NULL(config_expect_name(good[i]));
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		CU_ASSERT_PTR_NOT_NULL(config_expect_name(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[65] = '\0';
	CU_ASSERT_PTR_NOT_NULL(config_expect_name(longest));
	longest[64] = '\0';
	CU_ASSERT_PTR_NULL(config_expect_name(longest));
	CU_ASSERT_PTR_NULL(config_expect_reference("../x/Y.yaml"));
	CU_ASSERT_PTR_NOT_NULL(config_expect_reference("Y.yaml"));
}

TEST_SUITE("config_node",
	   {"reads all types", test_all_types},
	   {"absent keys keep defaults", test_absent_keys_keep_defaults},
	   {"number forms", test_number_forms},
	   {"quoted is text", test_quoted_is_text},
	   {"block text", test_blocks},
	   {"aliases", test_aliases},
	   {"names", test_names},
	   {"loads files", test_load},
	   {"refuses unknown keys", test_unknown_keys},
	   {"refuses duplicate keys", test_duplicate_keys},
	   {"refuses missing keys", test_missing_keys},
	   {"refuses wrong whole numbers", test_wrong_numbers},
	   {"refuses wrong numbers", test_wrong_reals},
	   {"refuses wrong truth values and choices", test_wrong_bools_and_choices},
	   {"refuses wrong texts", test_wrong_texts},
	   {"refuses wrong nodes", test_wrong_nodes},
	   {"shows wrong values shortened", test_shown_values_are_short},
	   {"refuses empty files", test_empty},
	   {"refuses several documents", test_several_documents},
	   {"refuses broken YAML", test_broken_yaml},
	   {"refuses what is not UTF-8", test_not_utf8},
	   {"refuses tags and odd keys", test_tags_and_odd_keys},
	   {"refuses bad aliases", test_bad_aliases},
	   {"refuses a billion laughs", test_billion_laughs},
	   {"refuses deep nesting", test_deep},
	   {"refuses too many of anything", test_too_many},
	   {"refuses large files", test_large_file})
