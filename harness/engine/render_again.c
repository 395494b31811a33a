/* render_again.c - words of commands that do a run again. */
#include <ctype.h>
#include <string.h>

#include "memory.h"
#include "render.h"

void render_shell_word(struct strbuf *out, const char *word)
{
	static const char plain[] = "-_./:=@%+,";
	bool is_plain_word = *word;

	for (const char *c = word; *c && is_plain_word; c++)
		is_plain_word = isalnum((unsigned char)*c) || strchr(plain, *c);
	if (is_plain_word) {
		strbuf_adds(out, word);
		return;
	}
	strbuf_addc(out, '\'');
	for (const char *c = word; *c; c++)
		if (*c == '\'')
			strbuf_adds(out, "'\\''");
		else
			strbuf_addc(out, *c);
	strbuf_addc(out, '\'');
}

void render_campaign_word(const struct stored_run *run, struct strbuf *out)
{
	cleanup_free char *tracked = string_format("/configs/campaigns/%s.yaml", run->campaign);
	size_t length = run->campaign_file ? strlen(run->campaign_file) : 0;
	bool is_tracked = !length || !strcmp(run->campaign_file, tracked + 1) ||
			  (length >= strlen(tracked) &&
			   !strcmp(run->campaign_file + length - strlen(tracked), tracked));

	render_shell_word(out, is_tracked ? run->campaign : run->campaign_file);
}
