/* sleeper.h - memory whose first touch takes a while: a userfaultfd, answered by a
 * thread of the same process that naps first. A system call that copies from or to it
 * while it holds a mutex is an owner asleep inside.
 */
#ifndef KERNGATE_MUTEX_STRESS_SLEEPER_H
#define KERNGATE_MUTEX_STRESS_SLEEPER_H

#include <stddef.h>
#include <stdint.h>

#define SLEEPER_PAGES 2
#define SLEEPER_BYTES (SLEEPER_PAGES * 4096u)

/* Begins the thread, for that many buffers. Gives the child up where it cannot. */
void sleeper_start(uint32_t buffers_count, uint64_t seed);
/* Borrowed. Its pages are absent until they are touched; sleeper_refresh() makes them
 * absent again. */
void *sleeper_buffer(uint32_t number);
void sleeper_refresh(uint32_t number);

#endif
