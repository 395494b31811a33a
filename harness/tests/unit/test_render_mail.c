/* test_render_mail.c - the table for patch mails: what it says, and that no name makes
 * it wider than 75 columns.
 */
#include <string.h>

#include "memory.h"
#include "render.h"
#include "rendered.h"
#include "reported.h"
#include "test.h"

#define MAIL_WIDTH 75

static char *mail_of(struct fake_run *fake)
{
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (test_check(!comparison_make_from(&fake->source, &fake->run, NULL, &c, &err)))
		render_comparison_mail(&fake->run, &c, &text);
	return strbuf_detach(&text);
}

static char *scene_mail(const char *scene)
{
	cleanup_fake struct fake_run fake;

	reported_make(scene, &fake);
	return mail_of(&fake);
}

/* Plain ASCII, and nothing that a mail or `git am` takes for its own. */
static void check_layout(const char *text)
{
	rendered_check_layout(text);
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		if (!test_check(length <= MAIL_WIDTH))
			fprintf(stderr, "%.*s\n", (int)length, line);
		CU_ASSERT_NOT_EQUAL(strncmp(line, "From ", 5), 0);
		CU_ASSERT_NOT_EQUAL(strncmp(line, "diff ", 5), 0);
		CU_ASSERT_NOT_EQUAL(line[0], '>');
		CU_ASSERT_NOT_EQUAL(line[0], '#');
		line += length + (line[length] == '\n');
	}
}

static void test_goldens(void)
{
	static const char *const scenes[] = { "regressed", "exact", "crashed", "one-side" };

	for (size_t i = 0; i < ARRAY_COUNT(scenes); i++) {
		cleanup_free char *text = scene_mail(scenes[i]);
		cleanup_free char *name = string_format("mail-%s", scenes[i]);

		rendered_check_golden(name, text);
	}
}

static void test_width(void)
{
	for (size_t i = 0; i < reported_scenes_count; i++) {
		cleanup_free char *text = scene_mail(reported_scenes[i].name);

		check_layout(text);
		test_check_contains(text, "\nagain ");
	}
}

static char *repeat(char c, size_t count)
{
	char *text = memory_alloc(count + 1);

	memset(text, c, count);
	return text;
}

static void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

/* Whatever is long, alone and together. The verdicts stay: judged once. */
static void check_long(const struct fake_run *fake, const struct comparison *c, size_t length)
{
	struct stored_row *row = &fake->run.cells[0].rows[0];
	char **const texts[] = {
		&row->metrics[0].name, &row->metrics[0].unit,
		&fake->run.variants[FAKE_PATCHED].label, &row->arguments,
		&fake->run.cells[0].guest, &row->metrics[1].name,
	};

	for (unsigned which = 1; which < 1u << ARRAY_COUNT(texts); which++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		char *kept[ARRAY_COUNT(texts)];

		for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
			kept[i] = *texts[i];
			if (which & 1u << i)
				*texts[i] = repeat((char)('m' + i), length);
		}
		render_comparison_mail(&fake->run, c, &text);
		check_layout(text.data);
		test_check_contains(text.data, "equivalent");
		for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
			if (which & 1u << i)
				set(texts[i], kept[i]);
	}
}

static void test_long_names(void)
{
	static const size_t lengths[] = { 10, 15, 20, 25, 30, 40, 60, 74, 75, 76, 300 };
	static const char *const scenes[] = { "regressed", "exact" };

	for (size_t i = 0; i < ARRAY_COUNT(scenes); i++) {
		cleanup_fake struct fake_run fake;
		cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
		struct error err = ERROR_INIT;

		reported_make(scenes[i], &fake);
		CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, NULL, &c, &err), 0);
		for (size_t k = 0; k < ARRAY_COUNT(lengths); k++)
			check_long(&fake, &c, lengths[k]);
	}
}

/* A name that does not fit stands above its figures, which stay in their columns. */
static void test_long_name(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	set(&fake.run.cells[0].rows[0].metrics[0].name, repeat('m', 40));
	text = mail_of(&fake);
	test_check_contains(text, "\n  mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\n     ");
	CU_ASSERT_PTR_NULL(strstr(text, "fallocate_gib_per_s")); /* derived */
}

/* What is on top of a kernel, each series once; of a record that says nothing, nothing. */
static void test_series(void)
{
	static const struct {
		const char *record, *line;
	} cases[] = {
		{ "{\"patches\": [{\"series\": \"padata-mt\"}, {\"series\": \"padata-mt\"}, "
		  "{\"series\": \"proxy-exec\"}]}",
		  ": Linux 7.3.4 + padata-mt + proxy-exec" },
		{ "{\"patches\": []}", ": Linux 7.3.4" },
		{ "{\"patches\": [{\"sha256\": \"x\"}]}", ": Linux 7.3.4" },
		{ "{\"patches\": 7}", ": Linux 7.3.4" },
		{ "{damaged", ": Linux 7.3.4" },
		{ NULL, ": Linux 7.3.4" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_fake struct fake_run fake;
		cleanup_free char *mail = NULL, *table = NULL, *wanted = NULL;
		struct stored_variant *variant;

		fake_run_init(&fake);
		variant = &fake.run.variants[FAKE_PATCHED];
		free(variant->kernel_record);
		variant->kernel_record = string_copy(cases[i].record);
		mail = mail_of(&fake);
		table = rendered_comparison(&fake);
		wanted = string_format("%s%s", variant->label, cases[i].line);
		test_check_contains(mail, wanted);
		test_check_contains(table, wanted);
		CU_ASSERT_EQUAL(!strstr(mail, " + "), i > 0);
	}
}

static void test_words(void)
{
	cleanup_free char *fired = scene_mail("control-fired"), *failed = scene_mail("canary-failed");
	cleanup_free char *alone = scene_mail("alone"), *started = scene_mail("inconclusive");
	cleanup_free char *unrun = scene_mail("canary-not-run");
	cleanup_free char *one = scene_mail("one-boot");

	test_check_contains(fired, " withheld\n");
	test_check_contains(fired, "A/A control FIRED");
	CU_ASSERT_PTR_NULL(strstr(fired, "equivalent\n"));
	test_check_contains(failed, "a canary FAILED");
	test_check_contains(failed, "--mode exact --seed 1 --seeds 6\n");
	test_check_contains(unrun, "no canary could be compared\n");
	test_check_contains(alone, "one variant,\n           nothing to compare it with\n");
	CU_ASSERT_PTR_NULL(strstr(alone, "method"));
	test_check_contains(started, "boots      patched: 11 of 12 passed, 1 not run\n");
	test_check_contains(started, " inconclusive\n");
	test_check_contains(one, "\n  fallocate_ns: not comparable: fewer than two complete blocks\n");
}

/* What `kerngate ab` adds: its patches, and its command line. */
static void test_more(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	cleanup_with(render_mail_more_release) struct render_mail_more more = { .again = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	reported_make("regressed", &fake);
	strvec_push(&more.lines, "patches\t2 patches of v3.mbox, v3: lib: twice as fast");
	strvec_push(&more.lines, "\t1/2 lib: add twice() \xe2\x80\x94 for those who need it, "
		    "and a subject that goes on and on");
	strvec_push(&more.lines, "\t2/2 lib: shift instead of adding");
	more.again = string_copy("kerngate ab --base 7.3 --patches v3.mbox --seed 7");
	if (!test_check(!comparison_make_from(&fake.source, &fake.run, NULL, &c, &err)))
		return;
	render_comparison_mail_with(&fake.run, &c, &more, &text);
	check_layout(text.data);
	rendered_check_golden("mail-more", text.data);
}

/* A campaign that is in no project is found by its file. */
static void test_campaign_of_its_own(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	reported_make("regressed", &fake);
	free(fake.run.campaign_file);
	fake.run.campaign_file = string_copy("/r/ab/x/it's.yaml");
	text = mail_of(&fake);
	test_check_contains(text, "again      kerngate run '/r/ab/x/it'\\''s.yaml' --seed ");
}

TEST_SUITE("render-mail", { "patches and commands of others", test_more },
	   { "a campaign of its own", test_campaign_of_its_own }, { "goldens", test_goldens }, { "width", test_width },
	   { "names of any length", test_long_names },
	   { "a name that is too long", test_long_name }, { "series of a kernel", test_series },
	   { "words", test_words })
