/* rendered.c - runs as people and programs read them, and how that is checked. */
#include "rendered.h"

#include <string.h>

#include "files.h"
#include "memory.h"
#include "render.h"
#include "test.h"

#define cleanup_comparison cleanup_with(comparison_release)
#define COMPARISON_INIT ((struct comparison){ .entries = NULL })

void rendered_check_golden(const char *name, const char *actual)
{
	cleanup_free char *relative = string_format("render/%s.txt", name);

	test_check_golden(relative, actual);
}

void rendered_check_layout(const char *text)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		CU_ASSERT_TRUE(length <= 80);
		CU_ASSERT_FALSE(length == 3 && strncmp(line, "---", 3) == 0);
		CU_ASSERT_TRUE(length == 0 || line[length - 1] != ' ');
		for (size_t i = 0; i < length; i++)
			CU_ASSERT_TRUE(line[i] >= 0x20 && line[i] < 0x7f);
		line += length + (line[length] == '\n');
	}
}

char *rendered_comparison(struct fake_run *fake)
{
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (test_check(comparison_make_from(&fake->source, &fake->run, NULL, &c, &err) == 0))
		render_comparison_text(&fake->run, &c, &text);
	rendered_check_layout(text.data);
	return strbuf_detach(&text);
}

json_t *rendered_json(struct fake_run *fake)
{
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(comparison_make_from(&fake->source, &fake->run, NULL, &c, &err) == 0))
		return NULL;
	render_comparison_json(&fake->run, &c, &text);
	return json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
}
