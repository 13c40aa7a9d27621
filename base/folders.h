/* folders: those that a file of ours goes into. */
#ifndef BASE_FOLDERS_H
#define BASE_FOLDERS_H

/* Makes what is missing of the folders that path names before its last slash, for their owner alone (0700); what is there stays as it
 * is. Whether that went well, opening the file tells. */
void make_folders(const char *path);
#endif
