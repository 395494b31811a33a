/* pin.h - jobs of the other kind: MAP_DMA through VFIO type1, where the guest has a
 * device for it (type1.h).
 */
#ifndef KERNGATE_PADATA_FAULTS_PIN_H
#define KERNGATE_PADATA_FAULTS_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "type1.h"

struct pin {
	uint64_t size_bytes;       /* of the memory, and of the mapping */
	uint64_t limit_bytes;      /* RLIMIT_MEMLOCK where is_limited */
	bool is_limited;           /* and without CAP_IPC_LOCK */
	bool is_populated;         /* faulted in before */
	bool is_huge;              /* of transparent huge pages; else of small ones */
	bool has_handler;          /* of SIGINT, that does nothing */
	unsigned int locked_pages; /* by mlock(), before */
	void *memory;              /* the actor's */
};

/* Whether the guest has groups of devices behind an IOMMU at all. */
bool pin_is_possible(void);

/* prepare, job and finish of an actor whose argument is a struct pin: the memory is
 * mapped at TYPE1_IOVA, then unmapped. */
void pin_prepare(struct actor *actor);
int pin_job(struct actor *actor);
void pin_finish(struct actor *actor);

#endif
