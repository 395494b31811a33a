/* nightly_lock.c - one night at a time on the same results. The lock is flock(2) on an
 * open file: whatever ends its holder ends the lock. What the file says is for people
 * only, and may be of a holder that is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "nightly_private.h"

#define LOCK_NAME "nightly.lock"
#define TEXT_BYTES_MAX 200

static int write_holder(int fd, const char *path, struct error *err)
{
	char now[CLOCK_TEXT_MAX];
	cleanup_free char *text = string_format("process %d, since %s\n", (int)getpid(),
						clock_format_utc(clock_wall_ns(), now));
	int rc = ftruncate(fd, 0) < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

int night_lock(const char *results_dir, int *ret_fd, struct error *err)
{
	cleanup_free char *path = path_join(results_dir, LOCK_NAME), *holder = NULL;
	cleanup_close int fd = -1;
	int rc = folder_make(results_dir);

	if (!rc)
		rc = lock_acquire(path, true, false, &fd);
	if (rc == -EWOULDBLOCK) {
		if (file_read_line(path, &holder) || !*holder) {
			free(holder);
			holder = string_copy("another process");
		}
		return error_set(err, -EBUSY, "another night is under way in %s: %s",
				 results_dir, holder);
	}
	if (rc)
		return error_set_errno(err, rc, "%s", path);
	rc = write_holder(fd, path, err);
	if (!rc)
		*ret_fd = take_fd(&fd);
	return rc;
}
