"""What runs inside AWS. It travels in code bundles, so it imports nothing of the rest of Sagewright."""
