/* inversion_file.h - what sections of the inversion_* workloads are made of: memory, and
 * a file of a tmpfs that holds as much. A section is one system call over all of it.
 *
 *     inversion_buffer_open(size_mib, false);  // setup
 *     inversion_file_open();                   // where a file is needed
 *     inversion_start(&lock);                  // whose functions may be those below
 *     ...
 *     if (inversion_stop())                    // cleanup
 *             inversion_file_close();
 *
 * There is one of each in a workload. All functions end the workload where a call fails.
 */
#ifndef KERNGATE_RUNTIME_INVERSION_FILE_H
#define KERNGATE_RUNTIME_INVERSION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inversion_file {
	size_t size_bytes;
	char *buffer;        /* NULL: none yet */
	int fd;              /* -1: none yet */
};

extern struct inversion_file inversion_file;

/* Private memory, every page touched. has_small_pages: none of them huge, where a section
 * goes page by page, or one page is to be missing. */
void inversion_buffer_open(int64_t size_mib, bool has_small_pages);
/* The file, with the buffer's contents. Not a memfd: a file that was not opened by name
 * has no lock for its position. */
void inversion_file_open(void);
/* May be called after half of the above. */
void inversion_file_close(void);

/* For struct inversion_lock: f_pos_lock. prepare: */
void inversion_file_rewind(bool is_alone);
/* hold: one copy of the whole file, under the lock; */
void inversion_file_read(void);
/* take: where the file stands. */
void inversion_file_ask(void);

#endif
