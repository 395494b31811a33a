/* render_again.c - words of commands that do a run again. */
#include <string.h>

#include "memory.h"
#include "render.h"

void render_campaign_word(const struct stored_run *run, struct strbuf *out)
{
	cleanup_free char *tracked = string_format("/configs/campaigns/%s.yaml", run->campaign);
	size_t length = run->campaign_file ? strlen(run->campaign_file) : 0;
	bool is_tracked = !length || !strcmp(run->campaign_file, tracked + 1) ||
			  (length >= strlen(tracked) &&
			   !strcmp(run->campaign_file + length - strlen(tracked), tracked));

	strbuf_add_shell_word(out, is_tracked ? run->campaign : run->campaign_file);
}
