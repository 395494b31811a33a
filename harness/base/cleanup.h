/* cleanup.h - attributes that release what a scope owns, and compiler checks.
 *
 * Use on every owning local: `cleanup_free char *path = NULL;`. To hand the
 * value on, `*ret_path = take_pointer(path);`. No goto is needed anywhere.
 */
#ifndef KERNGATE_BASE_CLEANUP_H
#define KERNGATE_BASE_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(at, first) __attribute__((format(printf, at, first)))
#define cleanup_with(function) __attribute__((cleanup(function)))

/* Number of elements of a true array. */
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Yields the pointer and sets the variable to NULL: ownership moves on. */
#define take_pointer(variable)                                                 \
	({                                                                     \
		__typeof__(variable) taken_ = (variable);                      \
		(variable) = NULL;                                             \
		taken_;                                                        \
	})

/* Yields the descriptor and sets the variable to -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void cleanup_free_pointer_(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_fd_(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_close_file_(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define cleanup_free cleanup_with(cleanup_free_pointer_)
#define cleanup_close cleanup_with(cleanup_close_fd_)
#define cleanup_fclose cleanup_with(cleanup_close_file_)

#endif
