//! Transactions and what takes part in them.

service! {
    /// Messages of the service `TransactionalMap`.
    transactional_map TransactionalMap 0x0e plain;

    1 contains_key once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response boolean) };

    2 get once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response Data?) };

    3 get_for_update once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response Data?) };

    4 size once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response int) };

    5 is_empty once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response boolean) };

    6 put once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) (ttl long) }
    -> { (response Data?) };

    7 set once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) } -> {};

    8 put_if_absent once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) }
    -> { (response Data?) };

    9 replace once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) }
    -> { (response Data?) };

    10 replace_if_same once 2.0 {
        (name String) (txn_id UUID) (thread_id long) (key Data) (old_value Data) (new_value Data)
    } -> { (response boolean) };

    11 remove once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response Data?) };

    12 delete once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> {};

    13 remove_if_same once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) }
    -> { (response boolean) };

    14 key_set once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response List_Data) };

    15 key_set_with_predicate once 2.0 { (name String) (txn_id UUID) (thread_id long) (predicate Data) }
    -> { (response List_Data) };

    16 values once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response List_Data) };

    17 values_with_predicate once 2.0 { (name String) (txn_id UUID) (thread_id long) (predicate Data) }
    -> { (response List_Data) };

    18 contains_value once 2.0 { (name String) (txn_id UUID) (thread_id long) (value Data) }
    -> { (response boolean) };
}

service! {
    /// Messages of the service `TransactionalMultiMap`.
    transactional_multi_map TransactionalMultiMap 0x0f plain;

    1 put once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) } -> { (response boolean) };

    2 get once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response List_Data) };

    3 remove once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response List_Data) };

    4 remove_entry once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) (value Data) }
    -> { (response boolean) };

    5 value_count once 2.0 { (name String) (txn_id UUID) (thread_id long) (key Data) } -> { (response int) };

    6 size once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response int) };
}

service! {
    /// Messages of the service `TransactionalSet`.
    transactional_set TransactionalSet 0x10 plain;

    1 add once 2.0 { (name String) (txn_id UUID) (thread_id long) (item Data) } -> { (response boolean) };

    2 remove once 2.0 { (name String) (txn_id UUID) (thread_id long) (item Data) } -> { (response boolean) };

    3 size once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response int) };
}

service! {
    /// Messages of the service `TransactionalList`.
    transactional_list TransactionalList 0x11 plain;

    1 add once 2.0 { (name String) (txn_id UUID) (thread_id long) (item Data) } -> { (response boolean) };

    2 remove once 2.0 { (name String) (txn_id UUID) (thread_id long) (item Data) } -> { (response boolean) };

    3 size once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response int) };
}

service! {
    /// Messages of the service `TransactionalQueue`.
    transactional_queue TransactionalQueue 0x12 plain;

    1 offer once 2.0 { (name String) (txn_id UUID) (thread_id long) (item Data) (timeout long) }
    -> { (response boolean) };

    2 take once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response Data?) };

    3 poll once 2.0 { (name String) (txn_id UUID) (thread_id long) (timeout long) } -> { (response Data?) };

    4 peek once 2.0 { (name String) (txn_id UUID) (thread_id long) (timeout long) } -> { (response Data?) };

    5 size once 2.0 { (name String) (txn_id UUID) (thread_id long) } -> { (response int) };
}

service! {
    /// Messages of the service `XATransaction`.
    xa_transaction XATransaction 0x14 plain;

    1 clear_remote once 2.0 { (xid Xid) } -> {};

    2 collect_transactions once 2.0 {} -> { (response List_Xid) };

    3 finalize once 2.0 { (xid Xid) (is_commit boolean) } -> {};

    4 commit once 2.0 { (transaction_id UUID) (one_phase boolean) } -> {};

    5 create once 2.0 { (xid Xid) (timeout long) } -> { (response UUID) };

    6 prepare once 2.0 { (transaction_id UUID) } -> {};

    7 rollback once 2.0 { (transaction_id UUID) } -> {};
}

service! {
    /// Messages of the service `Transaction`.
    transaction Transaction 0x15 plain;

    1 commit once 2.0 { (transaction_id UUID) (thread_id long) } -> {};

    2 create once 2.0 { (timeout long) (durability int) (transaction_type int) (thread_id long) }
    -> { (response UUID) };

    3 rollback once 2.0 { (transaction_id UUID) (thread_id long) } -> {};
}
