/* tool_rounds.c - see tool_rounds.h. */
#include "tool_rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

static struct {
	const char *artifact;
	char path[80];
	int fd;
} output = { .fd = -1 };

void tool_rounds_open(const char *artifact)
{
	output.artifact = artifact;
	snprintf(output.path, sizeof(output.path), "/tmp/%s", artifact);
	output.fd = open(output.path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	if (output.fd < 0)
		workload_broken("%s: %s", output.path, strerror(errno));
}

void tool_rounds_run(uint32_t round, const char *const *argv)
{
	bool is_warmup = round < workload.warmup_rounds;

	tool_measure(argv, is_warmup ? -1 : output.fd);
	if (round + 1 == workload.warmup_rounds + (uint32_t)parameter_number("rounds"))
		artifact_add_file(output.artifact, output.path);
}

void tool_rounds_close(void)
{
	if (output.fd < 0)
		return;
	close(output.fd);
	(void)unlink(output.path);
	output.fd = -1;
}
