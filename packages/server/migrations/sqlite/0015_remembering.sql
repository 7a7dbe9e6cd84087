-- 0 where the person was asked whether their device may be remembered, and did not say yes.
ALTER TABLE actions ADD COLUMN remembers_device INTEGER NOT NULL DEFAULT 1;
