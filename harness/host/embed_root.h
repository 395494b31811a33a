/* embed_root.h - the folder that libvirt's embedded QEMU driver lives in: made
 * for one process, swept away after dead ones. Knows its layout, not libvirt.
 *
 * It lies in $XDG_RUNTIME_DIR, /dev/shm or /tmp, because QEMU's sockets are in it and a
 * Unix socket's path ends at 107 bytes. The process holds a lock on it (flock);
 * a folder that nobody holds belonged to a harness that is dead.
 */
#ifndef KERNGATE_HOST_EMBED_ROOT_H
#define KERNGATE_HOST_EMBED_ROOT_H

#include "error.h"

struct embed_root;

/* emulator: what domains name as <emulator>; library_version enters the key of
 * the kept abilities. Sweeps first. */
int embed_root_create(const char *library_version, const char *emulator,
		      struct embed_root **ret_root, struct error *err) must_check;
const char *embed_root_path(const struct embed_root *root); /* borrowed */
/* Keeps what libvirt found out about the emulator (1-4 s of probing) for the
 * next process of this user, in $XDG_CACHE_HOME/kerngate/libvirt. Best effort. */
void embed_root_keep_abilities(const struct embed_root *root);
/* Removes the folder. NULL allowed. */
void embed_root_remove(struct embed_root *root);

/* Ends guests in, and removes, the kerngate-vm-* folders of this user in `place`
 * whose process is dead. Only a process whose command line names the folder is
 * ended. Part of embed_root_create; by itself for the tests. */
void embed_root_sweep(const char *place);

#endif
