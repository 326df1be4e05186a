/* Apart from what calls them, so that the compiler does not see that they are empty. */
#include "test/pins/pinned.h"

void pin_begin(void) {}
void pin_end(void* object) { (void)object; }
