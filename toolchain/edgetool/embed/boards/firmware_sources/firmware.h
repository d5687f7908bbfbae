/* Of the firmware that measures a model. Written by edgetool. */
#ifndef FIRMWARE_H_
#define FIRMWARE_H_

#include <stdint.h>

int firmware_main(void);
void firmware_tick(void);
void firmware_print(const char *text);
void firmware_exit(int code);

#endif
