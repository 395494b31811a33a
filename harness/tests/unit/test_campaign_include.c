/* test_campaign_include.c - campaigns on top of others: what is merged how, what is
 * refused and where that is said to stand, and that the one text of it means the same.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "campaign_project.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define TEAM                                                                           \
	"purpose: what all teams have\n"                                                \
	"defaults:\n"                                                                   \
	"  kernel: {base: linux, fragments: [base]}\n"                                  \
	"  cmdline: [quiet]\n"                                                          \
	"variants:\n"                                                                   \
	"  - {name: stock}\n"                                                           \
	"  - {name: on, kernel: {add_fragments: [pe-on]}, add_cmdline: [pe=1]}\n"       \
	"  - {name: old, kernel: {base: other}}\n"                                      \
	"baseline: stock\n"                                                             \
	"cells:\n"                                                                      \
	"  - {guest: up, suite: boot, priority: 9}\n"                                   \
	"  - {guest: up, suite: long}\n"                                                \
	"  - {guest: smp, suite: boot}\n"                                               \
	"blocks_count: 10\n"                                                            \
	"budget_minutes: 60\n"                                                          \
	"control: false\n"                                                              \
	"gate: {margin_percent: 5, alpha: 0.1}\n"

/* A project with "team" in it and the campaign c; borrowed. */
static const char *project(const char *text)
{
	const char *root = campaign_project();

	if (!campaign_project_write(root, "configs/campaigns/team.yaml", TEAM) ||
	    !campaign_project_write(root, "configs/campaigns/c.yaml", text))
		return NULL;
	return root;
}

static bool load_in(const char *root, struct campaign *ret_campaign)
{
	struct error err = ERROR_INIT;
	int rc = root ? campaign_load(root, "c", ret_campaign, &err) : -EIO;

	test_check_string(err.message, "");
	return test_check(rc == 0);
}

/* The message is that of the file with this name. */
static void refuse_in(const char *root, int code, const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(root != NULL))
		return;
	CU_ASSERT_EQUAL(campaign_load(root, "c", &campaign, &err), code);
	test_check_contains(err.message, message);
}

static char *cells_text(const struct campaign *campaign)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < campaign->cells_count; i++)
		strbuf_addf(&text, "%s%s/%s:%u", i ? " " : "", campaign->cells[i].guest.name,
			    campaign->cells[i].suite.name, campaign->cells[i].priority);
	return strbuf_detach(&text);
}

static char *words(const struct strvec *items)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < items->count; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", path_base_name(items->items[i]));
	return strbuf_detach(&text);
}

/* "stock linux base; quiet" */
static void check_variant(const struct campaign *campaign, size_t index, const char *expected)
{
	const struct variant *variant = &campaign->variants[index];
	cleanup_free char *fragments = NULL, *series = NULL, *cmdline = NULL, *text = NULL;

	if (!test_check(index < campaign->variants_count))
		return;
	fragments = words(&variant->kernel.fragments);
	series = words(&variant->kernel.series);
	cmdline = words(&variant->cmdline);
	text = string_format("%s: %s, %s, %s; %s", variant->name, variant->kernel.base.name,
			     series, fragments, cmdline);
	test_check_string(text, expected);
}

static void test_as_it_is(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *cells = NULL;

	if (!load_in(project("include: [team]\n"), &campaign))
		return;
	test_check_string(campaign.name, "c");
	test_check_string(campaign.purpose, "what all teams have");
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	CU_ASSERT_EQUAL(campaign.blocks_count, 10);
	CU_ASSERT_EQUAL(campaign.looks_count, 1);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 60);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 5);
	CU_ASSERT_FALSE(campaign.control);
	cells = cells_text(&campaign);
	test_check_string(cells, "up/boot:9 up/long:5 smp/boot:5");
	if (test_check(campaign.included.count == 1))
		test_check_contains(campaign.included.items[0], "/configs/campaigns/team.yaml");
}

static const char overriding[] =
	"include: [team]\n"
	"purpose: ours\n"
	"remove_variants: [ol?]\n"
	"remove_cells: ['*/long']\n"
	"variants:\n"
	"  - {name: on, kernel: {add_series: [pe], add_fragments: [vm]}, add_cmdline: [x=2]}\n"
	"  - {name: new, kernel: {fragments: [vm]}, cmdline: []}\n"
	"cells:\n"
	"  - {guest: up, suite: boot, priority: 2}\n"
	"  - {guest: smp, suite: long}\n"
	"blocks_count: 4\n"
	"gate: {alpha: 0.2}\n";

static void check_overriding(const struct campaign *campaign)
{
	cleanup_free char *cells = cells_text(campaign);

	test_check_string(campaign->purpose, "ours");
	CU_ASSERT_EQUAL(campaign->variants_count, 3);
	check_variant(campaign, 0, "stock: linux, , base.config; quiet");
	check_variant(campaign, 1, "on: linux, pe, base.config pe-on.config vm.config; "
				   "quiet pe=1 x=2");
	check_variant(campaign, 2, "new: linux, , vm.config; ");
	test_check_string(cells, "up/boot:2 smp/boot:5 smp/long:5");
	CU_ASSERT_EQUAL(campaign->blocks_count, 4);
	CU_ASSERT_EQUAL(campaign->budget_minutes, 60);
	CU_ASSERT_EQUAL(campaign->gate.margin_percent, 5);
	CU_ASSERT_EQUAL(campaign->gate.alpha, 0.2);
}

static void test_overrides(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (load_in(project(overriding), &campaign))
		check_overriding(&campaign);
}

/* What a run keeps loads without the files that were included. */
static void test_one_text(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL }, again = { .name = NULL };
	const char *root = project(overriding);
	cleanup_free char *team = path_join(root, "configs/campaigns/team.yaml");

	if (!load_in(root, &campaign) || !test_check(campaign.merged != NULL) ||
	    !campaign_project_write(root, "configs/campaigns/c.yaml", campaign.merged))
		return;
	CU_ASSERT_EQUAL(unlink(team), 0);
	if (!load_in(root, &again))
		return;
	check_overriding(&again);
	CU_ASSERT_PTR_NULL(again.merged);
	CU_ASSERT_EQUAL(again.included.count, 0);
}

/* X replaces what add_X added, too; defaults can be added to. */
static void test_adds(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_in(project("include: [team]\n"
			     "defaults: {kernel: {add_fragments: [vm], add_series: [mt]}}\n"
			     "variants:\n"
			     "  - {name: on, kernel: {fragments: [pe-on]}, cmdline: [a]}\n"
			     "  - {name: old, kernel: {cc: clang}}\n"), &campaign))
		return;
	check_variant(&campaign, 0, "stock: linux, mt, base.config vm.config; quiet");
	check_variant(&campaign, 1, "on: linux, mt, pe-on.config; a");
	check_variant(&campaign, 2, "old: other, mt, base.config vm.config; quiet");
	test_check_string(campaign.variants[2].kernel.cc, "clang");
}

/* Two ways to one file: it counts once. */
static void test_diamond(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = project("include: [left, right]\nvariants:\n"
				   "  - {name: on, add_cmdline: [c]}\n");

	if (!root || !campaign_project_write(root, "configs/campaigns/left.yaml",
					     "include: [team]\nbudget_minutes: 1\nvariants:\n"
					     "  - {name: on, add_cmdline: [l]}\n") ||
	    !campaign_project_write(root, "configs/campaigns/right.yaml",
				    "include: [team]\nremove_cells: [smp]\n") ||
	    !load_in(root, &campaign))
		return;
	check_variant(&campaign, 1, "on: linux, , base.config pe-on.config; quiet pe=1 l c");
	CU_ASSERT_EQUAL(campaign.cells_count, 3);
	/* of the files that are included the later one wins */
	CU_ASSERT_EQUAL(campaign.budget_minutes, 60);
	CU_ASSERT_EQUAL(campaign.included.count, 3);
}

/* A file that is no campaign by itself, elsewhere; what it names counts from there. */
static void test_parts(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = project("include: [team, ../more/part.yaml]\n"
				   "remove_cells: [up, smp]\n");

	if (!root || !campaign_project_write(root, "configs/more/part.yaml",
					     "cells: [{guest: ./up.yaml, suite: ./boot.yaml}]\n"
					     "budget_minutes: 7\n"))
		return;
	refuse_in(root, -EINVAL, "/part.yaml:1:8: cells: expected 1..64 elements, found 0");
	if (!campaign_project_write(root, "configs/campaigns/c.yaml",
				    "include: [team2, ../more/part.yaml]\n") ||
	    !campaign_project_write(root, "configs/campaigns/team2.yaml",
				    "include: [team]\nremove_cells: ['*']\n") ||
	    !load_in(root, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.budget_minutes, 7);
	CU_ASSERT_EQUAL(campaign.cells_count, 1);
	CU_ASSERT_EQUAL(campaign.cells[0].guest.vcpus_count, 2);
	test_check_contains(campaign.merged, "/configs/more/up.yaml");
}

/* As --mode does: what means something else there is not taken over. */
static void test_other_mode(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_in(project("include: [team]\nmode: exact\n"), &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(campaign.blocks_count, 5);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 0.25);
	CU_ASSERT_EQUAL(campaign.gate.alpha, 0.1);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 60);
}

static void test_refused(void)
{
	refuse_in(project("include: [tem]\n"), -ENOENT,
		  "c.yaml:1:11: no campaign 'tem'; expected one of c, team (did you mean 'team'?)");
	refuse_in(project("include: team\n"), -EINVAL,
		  "c.yaml:1:10: include: expected a list of texts, found 'team'");
	refuse_in(project("include: []\n"), -EINVAL,
		  "c.yaml:1:10: include: expected 1..16 elements, found 0");
	refuse_in(project("include: [team, team]\n"), -EINVAL,
		  "c.yaml:1:17: include: 'team' is there twice; first at line 1");
	refuse_in(project("include: [team]\nremove_cells: [down]\n"), -EINVAL,
		  "c.yaml:2:16: remove_cells: 'down' fits none of the included cells");
	refuse_in(project("include: [team]\nremove_variants: [up]\n"), -EINVAL,
		  "c.yaml:2:19: remove_variants: 'up' fits none of the included variants");
	refuse_in(project(MINIMAL "remove_cells: [up]\n"), -EINVAL,
		  "c.yaml:7:15: remove_cells: expected only in a campaign that includes another");
	refuse_in(project("include: [team]\nremove_variants: [stock]\n"), -EINVAL,
		  "/team.yaml:9:11: baseline: no variant 'stock'; expected one of on, old");
	refuse_in(project("include: [team]\nincluded: 3\n"), -EINVAL,
		  "c.yaml:2:1: unknown key 'included' in campaign; expected one of");
	refuse_in(project("include: [team]\nvariants:\n  - {name: on, kernel: {bass: x}}\n"), -EINVAL,
		  "c.yaml:3:25: unknown key 'bass' in kernel");
	refuse_in(project("include: [team]\nvariants:\n  - {name: x}\n  - {name: x}\n"), -EINVAL,
		  "c.yaml:4:12: the variant 'x' is there twice; first at line 3");
	refuse_in(project("include: [team]\nvariants:\n  - {name: on}\n  - {name: on}\n"), -EINVAL,
		  "c.yaml:4:12: the variant 'on' is there twice; first at line 3");
	refuse_in(project("include: [team]\nseeds_count: 3\n"), -EINVAL,
		  "c.yaml:2:14: seeds_count: expected blocks_count in a campaign of mode timed");
}

/* The complaint is about the file where the thing stands. */
static void test_refused_in_included(void)
{
	const char *root = project("include: [bad]\n");

	if (!root || !campaign_project_write(root, "configs/campaigns/bad.yaml",
					     "include: [team]\nblocks_count: 1\n"))
		return;
	refuse_in(root, -EINVAL, "/bad.yaml:2:15: blocks_count: expected a whole number");
	campaign_project_write(root, "configs/campaigns/bad.yaml", "include: [team]\ncells:\n"
			       "  - {guest: upp, suite: boot}\n");
	refuse_in(root, -ENOENT, "/bad.yaml:3:13: no guest 'upp'");
	campaign_project_write(root, "configs/campaigns/bad.yaml", "include: [team]\nvariants:\n"
			       "  - {name: on, add_cmdline: [a], kernel: {add_fragments: [base]}}\n");
	refuse_in(root, -EINVAL, "/bad.yaml:3:59: the config fragment 'base' is there twice; first "
				 "at /");
	campaign_project_write(root, "configs/campaigns/bad.yaml", "- a\n");
	refuse_in(root, -EINVAL, "/bad.yaml:1:1: campaign: expected a mapping, found a list");
	campaign_project_write(root, "configs/campaigns/bad.yaml", "a: [\n");
	refuse_in(root, -EINVAL, "/bad.yaml:");
}

static void test_cycles(void)
{
	const char *root = project("include: [c]\n");

	refuse_in(root, -ELOOP, "c.yaml:1:11: include: 'c' would include itself; it is the campaign "
				"that is read");
	if (!root ||
	    !campaign_project_write(root, "configs/campaigns/c.yaml", "include: [a]\n") ||
	    !campaign_project_write(root, "configs/campaigns/a.yaml", "\ninclude: [b]\n") ||
	    !campaign_project_write(root, "configs/campaigns/b.yaml", "include: [./a.yaml]\n"))
		return;
	refuse_in(root, -ELOOP, "b.yaml:1:11: include: './a.yaml' would include itself; it is "
				"included at /");
	refuse_in(root, -ELOOP, "/configs/campaigns/c.yaml:1");
}

static void test_depth(void)
{
	const char *root = project("include: [d1]\n");

	for (int i = 1; root && i <= 9; i++) {
		cleanup_free char *name = string_format("configs/campaigns/d%d.yaml", i);
		cleanup_free char *text = string_format("include: [d%d]\n", i + 1);

		if (!campaign_project_write(root, name, i == 9 ? TEAM : text))
			return;
	}
	refuse_in(root, -ELOOP, "d8.yaml:1:11: include: 'd9' would be level 9; expected at most 8 "
				"levels, counted from /");
	refuse_in(root, -ELOOP, "/configs/campaigns/c.yaml:1");
	if (root && campaign_project_write(root, "configs/campaigns/d8.yaml", TEAM)) {
		cleanup_campaign struct campaign campaign = { .name = NULL };

		(void)load_in(root, &campaign);
	}
}

/* What docs/configs.md shows loads, and is as short as it says. */
static void test_documented(void)
{
	static const char mark[] = "```yaml\n# configs/campaigns/storage.yaml\n";
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *docs = path_join(test_root(), "docs/configs.md"), *text = NULL;
	cleanup_free char *file = path_join(test_temp_folder(), "storage.yaml"), *example = NULL;
	struct error err = ERROR_INIT;
	const char *begin, *end;
	size_t lines = 0;

	if (!test_check(!file_read(docs, 1 << 20, &text, NULL)))
		return;
	begin = strstr(text, mark);
	end = begin ? strstr(begin + strlen(mark), "```") : NULL;
	if (!test_check(end != NULL))
		return;
	example = string_copy_n(begin + strlen(mark), (size_t)(end - begin) - strlen(mark));
	for (const char *at = example; *at; at++)
		lines += *at == '\n';
	CU_ASSERT_TRUE(lines <= 10);
	CU_ASSERT_EQUAL(file_write_atomic(file, example, strlen(example), 0644), 0);
	CU_ASSERT_EQUAL(campaign_load(test_root(), file, &campaign, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(campaign.budget_minutes, 60);
	if (!test_check(campaign.variants_count == 3) || !test_check(campaign.cells_count > 5))
		return;
	test_check_string(campaign.variants[2].name, "patched");
	CU_ASSERT_EQUAL(campaign.variants[2].kernel.series.count, 3);
	for (size_t i = 0; i < campaign.cells_count; i++) {
		CU_ASSERT_PTR_NULL(strstr(campaign.cells[i].suite.name, "inversion-fpos"));
		CU_ASSERT_STRING_NOT_EQUAL(campaign.cells[i].guest.name, "up");
		if (!strcmp(campaign.cells[i].suite.name, "fio"))
			CU_ASSERT_EQUAL(campaign.cells[i].priority, 9);
	}
}

TEST_SUITE("campaign_include",
	   {"as it is", test_as_it_is},
	   {"overrides", test_overrides},
	   {"one text of all", test_one_text},
	   {"adds", test_adds},
	   {"two ways to one file", test_diamond},
	   {"parts", test_parts},
	   {"another mode", test_other_mode},
	   {"refused", test_refused},
	   {"refused in an included file", test_refused_in_included},
	   {"cycles", test_cycles},
	   {"depth", test_depth},
	   {"as it is documented", test_documented})
