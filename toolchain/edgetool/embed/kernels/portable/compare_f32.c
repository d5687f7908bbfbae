/* needs: compare_type */
/* EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL. */
typedef compare_t compare_f32_t;

COMPARE(compare_f32, float)
