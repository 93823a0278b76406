/*
 * Rendezvous hashing.
 */
#include "placement.h"

/* FNV's high bits hardly know of the last bytes, which are all that differs between two tasks: the
   finish of splitmix64 spreads them. */
static uint64_t spread(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
    return hash ^ (hash >> 31);
}

/* A byte that no name holds stands between them. */
static uint64_t score(str worker, str connector, int task)
{
    char number[2] = {(char)(task & 0xff), (char)((task >> 8) & 0xff)};
    uint64_t hash = str_hash(str_hash(STR_HASH_START, worker), STR("\0"));
    hash = str_hash(str_hash(hash, connector), STR("\0"));
    return spread(str_hash(hash, (str){number, sizeof(number)}));
}

size_t placement_of(const str *worker, size_t count, str connector, int task)
{
    size_t best = PLACEMENT_NOWHERE;
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        /* Equal hashes are settled by the names, as all else that workers must agree on. */
        uint64_t mine = score(worker[i], connector, task);
        if (best == PLACEMENT_NOWHERE || mine > most
            || (mine == most && str_compare(worker[i], worker[best]) > 0)) {
            best = i;
            most = mine;
        }
    }
    return best;
}
