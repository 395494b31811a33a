/* tool_rounds.h - rounds of a workload that are runs of a tool, whose output is kept, run
 * after run, in one artifact for the host to read. Knows the parameter `rounds`, and no
 * tool.
 *
 *	setup:    tool_rounds_open("hackbench.txt");
 *	measure:  tool_rounds_run(round, argv);
 *	cleanup:  tool_rounds_close();
 *
 * Whatever goes wrong ends the workload as broken.
 */
#ifndef KERNGATE_RUNTIME_TOOL_ROUNDS_H
#define KERNGATE_RUNTIME_TOOL_ROUNDS_H

#include <stdint.h>

/* artifact: its name, of at most 63 bytes; borrowed until the close. */
void tool_rounds_open(const char *artifact);
/* One run, as tool_measure() makes it; the output of the warm-up's is dropped. The
 * last one hands in the artifact. */
void tool_rounds_run(uint32_t round, const char *const *argv);
/* May be called without an open, and twice. */
void tool_rounds_close(void);

#endif
