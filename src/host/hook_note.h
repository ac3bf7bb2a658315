/* src/host/hook_note.h - does a hook of a killed instance still run?
 *
 * Whatever it does after the host was cleared up would stay behind. So while a hook runs, a
 * small file says which process it is; its start time tells it from a later process of the
 * same number. Supervisor process, and the next `up` or `down`. */
#ifndef TUNION_HOST_HOOK_NOTE_H
#define TUNION_HOST_HOOK_NOTE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/log.h"

/* The hook writes it itself, before it does anything else: this is for its shell. The first
 * variable is the path, or /dev/null. If the file is gone, somebody has cleared up after the
 * instance meanwhile, and the hook isn't run any more. */
#define HOOK_NOTE_VARIABLES "TUNION_NOTE TUNION_STAT"
#define HOOK_NOTE_SCRIPT                                                                 \
	"[ -e \"$TUNION_NOTE\" ] || exit 1\n"                                            \
	"{ read -r TUNION_STAT </proc/$$/stat && echo \"$TUNION_STAT\" >\"$TUNION_NOTE\"; } 2>/dev/null || :"

/* Make it, for nobody but us, and remove it. path may be NULL: then nothing is done. If it
 * can't be made, which is false, nobody waits for the hook. */
MUST_CHECK bool hook_note_begin(const char *path);
void hook_note_remove(const char *path);

/* If the hook still runs, waits for its end, and ends its process group if that takes longer
 * than limit_s. Removes the file. path and log may be NULL. */
void hook_note_wait(const char *path, unsigned limit_s, const struct log *log);

#endif
