/* command_row.c - see command_row.h. */
#include "command_row.h"

#include <errno.h>

#include "log.h"

#define CAMPAIGN_TIMED "quick"
#define CAMPAIGN_EXACT "quick-exact"

bool command_row_is_set(const struct kernel_row_options *setting)
{
	return setting->campaign || setting->variant || setting->base || setting->fragments ||
	       setting->guest || setting->suite || setting->mode;
}

int command_row_complete(struct kernel_row_options *setting, struct error *err)
{
	enum run_mode mode = MODE_TIMED;

	if (setting->mode && run_mode_parse(setting->mode, &mode))
		return command_usage_error(err, "--mode %s: expected timed or exact",
					   setting->mode);
	if (!setting->campaign)
		setting->campaign = mode == MODE_EXACT ? CAMPAIGN_EXACT : CAMPAIGN_TIMED;
	return 0;
}

int command_row_end(int code)
{
	progress_clear();
	if (!code)
		return EXIT_OK;
	return code == -EINTR || code == -ECANCELED ? EXIT_INTERRUPTED : EXIT_HARNESS;
}
