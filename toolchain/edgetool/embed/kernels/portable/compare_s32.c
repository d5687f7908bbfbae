/* needs: compare_type */
/* EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL. */
typedef compare_t compare_s32_t;

COMPARE(compare_s32, int32_t)
