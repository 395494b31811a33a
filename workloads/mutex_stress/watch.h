/* watch.h - the watcher of mutex_stress: begins the other processes, alternates storm
 * and calm, and says who does not come home. For the workload's own process.
 */
#ifndef KERNGATE_MUTEX_STRESS_WATCH_H
#define KERNGATE_MUTEX_STRESS_WATCH_H

#include <stdint.h>

/* Begins all children, in a calm, and raises the caller above them. */
void watch_start_or_broken(void);
/* A storm of that length; actors that have died before it are begun anew. */
void watch_storm(uint32_t duration_ms);
/* Waits until all are home. Ends the workload as failed, with the stacks of whoever is
 * not home by then on the console, after patience_s of calm. */
void watch_calm(uint32_t patience_s);
/* Tells them to end, and waits for that alike. */
void watch_end(uint32_t patience_s);
/* For cleanup(): kills what is left, and waits a while for it. */
void watch_kill(void);
/* Actors that were begun anew. */
uint32_t watch_deaths_count(void);

#endif
