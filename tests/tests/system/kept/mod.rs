//! What operators keep: `tidings verify`, `backup`, `restore`, `copy` and `explain` on the real program.

mod backup;
mod copy;
mod data_set;
mod explain;
mod flipped;
mod verify;
