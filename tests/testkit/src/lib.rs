//! What tests share: TestHub, manual clock, faulty file system, real receivers.
