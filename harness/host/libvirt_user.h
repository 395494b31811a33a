/* libvirt_user.h - makes the linker take libvirt_user.c, whose functions libvirt
 * calls by the C library's names.
 */
#ifndef KERNGATE_HOST_LIBVIRT_USER_H
#define KERNGATE_HOST_LIBVIRT_USER_H

/* Does nothing; a reference to it is enough. */
void libvirt_user_link(void);

#endif
